package lambdaemulator;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Errors in the form in which they leave the runtime. Source: spec/invoke.md section 5.3. */
final class Faults {
    private static final String OWN = Faults.class.getPackage().getName() + ".";
    private static final int DEEPEST_CAUSE = 50;

    private Faults() {}

    /** What the runtime itself finds wrong with a function: no stack trace goes to the caller. */
    static final class Fault extends Exception {
        private static final long serialVersionUID = 1;
        final String errorType; // null: none is told
        final boolean isFatal; // the process ends

        Fault(String message, String errorType, boolean isFatal, Throwable cause) {
            super(message, cause);
            this.errorType = errorType;
            this.isFatal = isFatal;
        }
    }

    /** Return what a reflective call really failed with. */
    static Exception causeOf(InvocationTargetException error) {
        Throwable cause = error.getCause();
        if (cause instanceof Error) {
            throw (Error) cause;
        }
        return cause == null ? error : (Exception) cause;
    }

    /** Return the object for the caller. */
    static Map<String, Object> document(Throwable error) {
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("errorMessage", message(error));
        if (error instanceof Fault) {
            if (((Fault) error).errorType != null) {
                document.put("errorType", ((Fault) error).errorType);
            }
            return document;
        }
        trim(error);
        return withTrace(document, error, 0);
    }

    private static Map<String, Object> withTrace(
            Map<String, Object> document, Throwable error, int depth) {
        document.put("errorMessage", message(error));
        document.put("errorType", error.getClass().getName());
        List<String> frames = new ArrayList<>();
        for (StackTraceElement frame : error.getStackTrace()) {
            frames.add(frame.toString());
        }
        document.put("stackTrace", frames);
        Throwable cause = error.getCause();
        if (cause != null && cause != error && depth < DEEPEST_CAUSE) {
            document.put("cause", withTrace(new LinkedHashMap<>(), cause, depth + 1));
        }
        return document;
    }

    /** Return what the log says: message, type and the stack trace. */
    static String logText(Throwable error) {
        Throwable shown = error instanceof Fault ? error.getCause() : error;
        if (shown == null) {
            return error.getMessage() + "\n";
        }
        trim(shown);
        StringWriter trace = new StringWriter();
        shown.printStackTrace(new PrintWriter(trace, true));
        return message(error) + ": " + shown.getClass().getName() + "\n" + trace;
    }

    private static String message(Throwable error) {
        String message = error.getLocalizedMessage();
        return message == null ? error.getClass().getName() : message;
    }

    /** Leave out the runtime's frames, and those below them. */
    private static void trim(Throwable error) {
        Throwable current = error;
        for (int depth = 0; current != null && depth < DEEPEST_CAUSE; depth++) {
            StackTraceElement[] frames = current.getStackTrace();
            int end = 0;
            while (end < frames.length && !frames[end].getClassName().startsWith(OWN)) {
                end++;
            }
            while (end > 0 && isReflection(frames[end - 1].getClassName())) {
                end--;
            }
            StackTraceElement[] kept = new StackTraceElement[end];
            System.arraycopy(frames, 0, kept, 0, end);
            current.setStackTrace(kept);
            current = current.getCause();
        }
    }

    private static boolean isReflection(String name) {
        return name.startsWith("jdk.internal.reflect.")
                || name.startsWith("java.lang.reflect.")
                || name.startsWith("sun.reflect.")
                || name.startsWith("java.lang.invoke.");
    }
}

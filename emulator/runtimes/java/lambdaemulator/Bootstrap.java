package lambdaemulator;

import com.amazonaws.services.lambda.runtime.LambdaRuntime;
import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOError;
import java.io.IOException;
import java.io.PrintStream;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import lambdaemulator.Faults.Fault;
import lambdaemulator.HandlerLoader.Handler;
import lambdaemulator.RuntimeApi.Answer;

/** Lambda's Java runtime: a small client of the Runtime API around the user's handler. */
public final class Bootstrap {
    private static final String TRACE = "com.amazonaws.xray.traceHeader";

    private final RuntimeApi api;
    private final Handler handler;

    private Bootstrap(RuntimeApi api, Handler handler) {
        this.api = api;
        this.handler = handler;
    }

    /** Run the init phase, then serve invocations until the emulator ends the process. */
    public static void main(String[] arguments) throws Exception {
        System.setOut(utf8(FileDescriptor.out));
        System.setErr(utf8(FileDescriptor.err));
        Standby.becomeFunction();
        RuntimeApi api = new RuntimeApi(System.getenv("AWS_LAMBDA_RUNTIME_API"));
        String debugger = System.clearProperty("lambda.debugger");
        if (debugger != null) { // the port that this virtual machine lets debuggers in by
            api.tellDebugger(debugger + " " + System.getenv("LAMBDA_TASK_ROOT"));
        }
        try {
            Handler handler = loadHandler(api);
            new Bootstrap(api, handler).serve();
        } catch (EOFException | SocketException error) {
            System.exit(0); // the emulator has closed the connection
        }
    }

    private static PrintStream utf8(FileDescriptor descriptor) throws IOException {
        return new PrintStream(new FileOutputStream(descriptor), true, "UTF-8");
    }

    private static Handler loadHandler(RuntimeApi api) throws IOException {
        String taskRoot = System.getenv("LAMBDA_TASK_ROOT");
        ClassLoader classes =
                HandlerLoader.classLoader(taskRoot, System.getProperty("lambda.layers"));
        Thread.currentThread().setContextClassLoader(classes);
        try {
            return HandlerLoader.load(System.getenv("_HANDLER"), classes);
        } catch (Fault fault) {
            if (fault.isFatal) {
                log(fault);
                api.initError(body(fault), type(fault));
                System.exit(1);
            }
            // As in AWS: each invocation is told, and the environment lives.
            return (event, context) -> {
                throw fault;
            };
        }
    }

    private void serve() throws IOException {
        Answer event = api.first();
        while (true) {
            String requestId = event.headers.get("lambda-runtime-aws-request-id");
            String trace = event.headers.get("lambda-runtime-trace-id");
            if (trace == null) {
                System.clearProperty(TRACE);
            } else {
                System.setProperty(TRACE, trace);
            }
            try {
                InvocationContext context = new InvocationContext(event.headers);
                FunctionLog.enter(context);
                byte[] result = handler.call(event.body, context);
                System.out.flush();
                event = api.answer(requestId, "/response", result, null);
            } catch (EOFException | SocketException error) {
                if (isOurs(error)) {
                    throw error;
                }
                event = fail(requestId, error);
            } catch (Throwable error) {
                event = fail(requestId, error);
            }
        }
    }

    private static boolean isOurs(IOException error) {
        for (StackTraceElement frame : error.getStackTrace()) {
            if (frame.getClassName().equals(RuntimeApi.class.getName())) {
                return true;
            }
        }
        return false;
    }

    private Answer fail(String requestId, Throwable error) throws IOException {
        byte[] body = body(error);
        log(error);
        if (error instanceof VirtualMachineError || error instanceof IOError) {
            api.lastAnswer(requestId, body, type(error));
            System.exit(1);
        }
        return api.answer(requestId, "/error", body, type(error));
    }

    private static void log(Throwable error) {
        ((FunctionLog) LambdaRuntime.getLogger()).logError(Faults.logText(error));
    }

    private static byte[] body(Throwable error) {
        return Json.write(Faults.document(error)).getBytes(StandardCharsets.UTF_8);
    }

    private static String type(Throwable error) {
        return error instanceof Fault ? "Runtime.BadFunctionCode" : "Runtime.UserException";
    }
}

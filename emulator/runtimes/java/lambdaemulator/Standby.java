package lambdaemulator;

import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandle;
import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;

/** A machine started ahead of time waits here until it learns which function it is to run. */
final class Standby {
    private static final String FD = "LAMBDA_EMULATOR_STANDBY_FD";
    private static final String SAMPLE = "{\"text\": \"\\u00e4\", \"list\": [1, 2.5, true, null]}";

    private Standby() {}

    /**
     * Wait for one line of JSON, `{"env": {…}, "cwd": "…"}`, and become that function's process.
     * Returns at once in a process that was started for its function; ends the process when nobody
     * needs it. Only Java 22 and newer can change their folder, so only they are made to wait.
     */
    static void becomeFunction() throws Exception {
        String number = System.getenv(FD);
        if (number == null) {
            return;
        }
        Folder folder = new Folder();
        folder.change("/");
        loadWhatEveryFunctionNeeds();
        String line = readLine(Integer.parseInt(number));
        if (line == null) {
            System.exit(0);
        }
        Map<?, ?> message = (Map<?, ?>) Json.parse(line);
        replaceEnvironment((Map<?, ?>) message.get("env"));
        folder.change((String) message.get("cwd"));
    }

    private static void loadWhatEveryFunctionNeeds() throws Exception {
        Json.write(Beans.plain(Beans.read(Json.parse(SAMPLE), Map.class)));
        for (String name : new String[] {"RuntimeApi", "Faults", "InvocationContext"}) {
            Class.forName("lambdaemulator." + name);
        }
        HandlerLoader.classLoader("/nowhere", "/nowhere");
    }

    private static String readLine(int number) throws Exception {
        Constructor<FileDescriptor> constructor =
                FileDescriptor.class.getDeclaredConstructor(int.class);
        constructor.setAccessible(true);
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        byte[] buffer = new byte[65536];
        try (InputStream input = new FileInputStream(constructor.newInstance(number))) {
            while (true) {
                int count = input.read(buffer);
                if (count < 0) {
                    return null;
                }
                line.write(buffer, 0, count);
                if (buffer[count - 1] == '\n') {
                    return new String(line.toByteArray(), StandardCharsets.UTF_8);
                }
            }
        }
    }

    @SuppressWarnings("unchecked")
    private static void replaceEnvironment(Map<?, ?> environment) throws Exception {
        Map<String, String> shown = System.getenv();
        Field field = shown.getClass().getDeclaredField("m");
        field.setAccessible(true);
        Map<String, String> kept = (Map<String, String>) field.get(shown);
        kept.clear();
        kept.putAll((Map<String, String>) environment);
    }

    /** The folder this process is in; through names only, as they came with Java 22. */
    private static final class Folder {
        private final MethodHandle chdir;
        private final Class<?> segment = Class.forName("java.lang.foreign.MemorySegment");
        private final Object arena;

        Folder() throws Exception {
            Class<?> linkers = Class.forName("java.lang.foreign.Linker");
            Class<?> options = Class.forName("java.lang.foreign.Linker$Option");
            Class<?> layouts = Class.forName("java.lang.foreign.MemoryLayout");
            Class<?> values = Class.forName("java.lang.foreign.ValueLayout");
            Class<?> descriptors = Class.forName("java.lang.foreign.FunctionDescriptor");
            Object linker = linkers.getMethod("nativeLinker").invoke(null);
            Object lookup = linkers.getMethod("defaultLookup").invoke(linker);
            Class<?> lookups = Class.forName("java.lang.foreign.SymbolLookup");
            Optional<?> address =
                    (Optional<?>) lookups.getMethod("find", String.class).invoke(lookup, "chdir");
            Object parameters = Array.newInstance(layouts, 1);
            Array.set(parameters, 0, values.getField("ADDRESS").get(null));
            Object descriptor =
                    descriptors
                            .getMethod("of", layouts, parameters.getClass())
                            .invoke(null, values.getField("JAVA_INT").get(null), parameters);
            Object none = Array.newInstance(options, 0);
            Method downcall =
                    linkers.getMethod("downcallHandle", segment, descriptors, none.getClass());
            chdir = (MethodHandle) downcall.invoke(linker, address.get(), descriptor, none);
            arena = Class.forName("java.lang.foreign.Arena").getMethod("global").invoke(null);
        }

        void change(String folder) throws IOException {
            try {
                Method allocate =
                        Class.forName("java.lang.foreign.SegmentAllocator")
                                .getMethod("allocateFrom", String.class);
                Object path = allocate.invoke(arena, folder);
                if ((int) chdir.invokeWithArguments(path) == 0) {
                    return;
                }
            } catch (Throwable error) {
                throw new IOException("chdir " + folder, error);
            }
            throw new IOException("chdir " + folder);
        }
    }
}

package lambdaemulator;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import lambdaemulator.Faults.Fault;

/** Finds the handler that `_HANDLER` names. Rules: spec/execution-environment.md section 4. */
final class HandlerLoader {
    /** A handler as the loop sees it. */
    interface Handler {
        byte[] call(byte[] event, Context context) throws Exception;
    }

    private HandlerLoader() {}

    /** Return a class loader of the function's classes, its `lib/*.jar` and those of its layers. */
    static ClassLoader classLoader(String taskRoot, String layers) throws MalformedURLException {
        List<URL> places = new ArrayList<>();
        places.add(new File(taskRoot).toURI().toURL());
        for (String folder : new String[] {taskRoot + "/lib", layers + "/java/lib"}) {
            File[] jars = new File(folder).listFiles((parent, name) -> name.endsWith(".jar"));
            Arrays.sort(jars = jars == null ? new File[0] : jars);
            for (File jar : jars) {
                places.add(jar.toURI().toURL());
            }
        }
        // Lambda's own interfaces come first, as in AWS: a copy in the package is not used.
        return new URLClassLoader(places.toArray(new URL[0]), HandlerLoader.class.getClassLoader());
    }

    /** Return the handler; throws Fault, fatal or not, when there is none. */
    static Handler load(String name, ClassLoader classes) throws Fault {
        String[] parts = name.split("::", -1);
        boolean isWhole = parts.length <= 2 && !parts[0].isEmpty() && !parts[parts.length - 1].isEmpty();
        if (!isWhole) {
            throw new Fault("Invalid handler: `" + name + "'", null, false, null);
        }
        Class<?> type = loadClass(parts[0], classes);
        return parts.length == 1 ? fromInterface(type) : fromMethods(type, parts[1]);
    }

    private static Class<?> loadClass(String name, ClassLoader classes) throws Fault {
        try {
            return Class.forName(name, true, classes);
        } catch (ClassNotFoundException error) {
            String type = error.getClass().getName();
            throw new Fault("Class not found: " + name, type, false, error);
        } catch (Throwable error) {
            Throwable cause =
                    error instanceof ExceptionInInitializerError && error.getCause() != null
                            ? error.getCause()
                            : error;
            String more = error.getMessage() == null ? "" : ": " + error.getMessage();
            boolean isFatal = !(error instanceof NoClassDefFoundError);
            String message = "Error loading class " + name + more;
            throw new Fault(message, error.getClass().getName(), isFatal, cause);
        }
    }

    private static Handler fromInterface(Class<?> type) throws Fault {
        if (RequestStreamHandler.class.isAssignableFrom(type)) {
            RequestStreamHandler handler = (RequestStreamHandler) newInstance(type);
            return (event, context) -> {
                ByteArrayOutputStream output = new ByteArrayOutputStream();
                handler.handleRequest(new ByteArrayInputStream(event), output, context);
                return output.toByteArray();
            };
        }
        if (!RequestHandler.class.isAssignableFrom(type)) {
            throw fault(
                    "Class does not implement an appropriate handler interface: " + type.getName());
        }
        Type[] types = interfaceArguments(type, new HashMap<>());
        if (types == null) {
            throw fault(
                    "Class "
                            + type.getName()
                            + " does not implement RequestHandler with concrete type parameters");
        }
        @SuppressWarnings("unchecked")
        RequestHandler<Object, Object> handler = (RequestHandler<Object, Object>) newInstance(type);
        boolean isVoid = types[1] == Void.class;
        return (event, context) -> {
            Object result = handler.handleRequest(read(event, types[0]), context);
            return write(isVoid ? null : result);
        };
    }

    /** Return what stands for I and O of RequestHandler; null where the class leaves it open. */
    private static Type[] interfaceArguments(Type type, Map<TypeVariable<?>, Type> known) {
        Class<?> raw = Beans.rawClass(type);
        if (type instanceof ParameterizedType) {
            Type[] given = ((ParameterizedType) type).getActualTypeArguments();
            for (int i = 0; i < given.length; i++) {
                known.put(raw.getTypeParameters()[i], known.getOrDefault(given[i], given[i]));
            }
        }
        if (raw == RequestHandler.class) {
            TypeVariable<?>[] own = raw.getTypeParameters();
            Type[] found = {known.get(own[0]), known.get(own[1])};
            return found[0] == null || found[1] == null ? null : found;
        }
        List<Type> parents = new ArrayList<>(Arrays.asList(raw.getGenericInterfaces()));
        if (raw.getGenericSuperclass() != null) {
            parents.add(raw.getGenericSuperclass());
        }
        for (Type parent : parents) {
            if (RequestHandler.class.isAssignableFrom(Beans.rawClass(parent))) {
                return interfaceArguments(parent, known);
            }
        }
        return null;
    }

    private static Handler fromMethods(Class<?> type, String name) throws Fault {
        List<Method> methods = new ArrayList<>();
        for (Method method : type.getMethods()) {
            if (method.getName().equals(name) && shape(method) != null) {
                methods.add(method);
            }
        }
        if (methods.isEmpty()) {
            throw fault(
                    "No public method named "
                            + name
                            + " with appropriate method signature found on class "
                            + type.getName());
        }
        methods.sort(Comparator.comparing(Method::isBridge).thenComparing(HandlerLoader::rank));
        Method method = methods.get(0);
        method.setAccessible(true);
        Object target = Modifier.isStatic(method.getModifiers()) ? null : newInstance(type);
        String shape = shape(method);
        return (event, context) -> call(method, target, shape, event, context);
    }

    // Most parameters win, and a Context at the end counts twice.
    private static int rank(Method method) {
        return -method.getParameterCount() - (shape(method).endsWith("c") ? 1 : 0);
    }

    /** Return a letter for each parameter (event, input, output, context); null: no handler. */
    private static String shape(Method method) {
        StringBuilder shape = new StringBuilder();
        for (Class<?> type : method.getParameterTypes()) {
            boolean isInput = type == InputStream.class;
            boolean isOutput = type == OutputStream.class;
            shape.append(isInput ? 'i' : isOutput ? 'o' : type == Context.class ? 'c' : 'e');
        }
        String found = shape.toString();
        return found.matches("e?c?|i?o?c?") ? found : null;
    }

    private static byte[] call(
            Method method, Object target, String shape, byte[] event, Context context)
            throws Exception {
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        Object[] arguments = new Object[shape.length()];
        for (int i = 0; i < arguments.length; i++) {
            switch (shape.charAt(i)) {
                case 'i':
                    arguments[i] = new ByteArrayInputStream(event);
                    break;
                case 'o':
                    arguments[i] = output;
                    break;
                case 'c':
                    arguments[i] = context;
                    break;
                default:
                    arguments[i] = read(event, method.getGenericParameterTypes()[i]);
            }
        }
        try {
            Object result = method.invoke(target, arguments);
            boolean isStream = shape.contains("o") || shape.contains("i");
            return isStream ? output.toByteArray() : write(result);
        } catch (InvocationTargetException error) {
            throw Faults.causeOf(error);
        }
    }

    private static Object newInstance(Class<?> type) throws Fault {
        try {
            return type.getConstructor().newInstance();
        } catch (InvocationTargetException error) {
            Throwable cause = error.getCause();
            String message = cause.getMessage() == null ? cause.toString() : cause.getMessage();
            throw new Fault(message, cause.getClass().getName(), true, cause);
        } catch (ReflectiveOperationException error) {
            String what =
                    error instanceof NoSuchMethodException
                            ? " has no public zero-argument constructor"
                            : " cannot be instantiated";
            String message = "Class " + type.getName() + what;
            throw new Fault(message, Exception.class.getName(), false, error);
        }
    }

    private static Object read(byte[] event, Type type) {
        try {
            return Beans.read(Json.parse(new String(event, StandardCharsets.UTF_8)), type);
        } catch (Exception error) {
            throw new RuntimeException("An error occurred during JSON parsing", error);
        }
    }

    private static byte[] write(Object result) {
        try {
            return Json.write(Beans.plain(result)).getBytes(StandardCharsets.UTF_8);
        } catch (Exception | StackOverflowError error) {
            String message = "An error occurred during JSON serialization of response";
            throw new RuntimeException(message, error);
        }
    }

    private static Fault fault(String message) {
        return new Fault(message, null, false, null);
    }
}

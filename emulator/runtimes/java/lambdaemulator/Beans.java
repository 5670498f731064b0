package lambdaemulator;

import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Collections;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/** Values of JSON to and from the types that a handler names: beans, records, collections, numbers. */
final class Beans {
    private Beans() {}

    /**
     * Return `value`, as `Json.parse` has it, as a `type`. Throws what the type's own code throws.
     *
     * <p>As AWS configures Jackson: one value does for a list and a list of one for its value, and
     * an empty text or list is no value where the type has neither.
     */
    static Object read(Object value, Type type) throws Exception {
        Class<?> raw = rawClass(type);
        if (raw == Optional.class) {
            return Optional.ofNullable(value == null ? null : read(value, argument(type, 0)));
        }
        if (value == null) {
            return raw.isPrimitive() ? read(raw == boolean.class ? (Object) false : 0, raw) : null;
        }
        if (raw == Object.class || raw == void.class || raw == Void.class) {
            return value;
        }
        if (value instanceof List) {
            return readList((List<?>) value, type, raw);
        }
        if (value.equals("") && !Scalars.isOfText(raw)) {
            return read(null, type);
        }
        if (holdsItems(raw) && (value instanceof Map || !Scalars.isOfText(raw))) {
            return readList(Collections.singletonList(value), type, raw);
        }
        return value instanceof Map
                ? readObject((Map<?, ?>) value, type, raw)
                : Scalars.read(value, raw);
    }

    private static boolean holdsItems(Class<?> raw) {
        return raw.isArray() || raw == Iterable.class || Collection.class.isAssignableFrom(raw);
    }

    private static Object readObject(Map<?, ?> value, Type type, Class<?> raw) throws Exception {
        if (Map.class.isAssignableFrom(raw)) {
            Map<Object, Object> map = newMap(raw);
            for (Map.Entry<?, ?> entry : value.entrySet()) {
                map.put(
                        Scalars.read(entry.getKey(), rawClass(argument(type, 0))),
                        read(entry.getValue(), argument(type, 1)));
            }
            return map;
        }
        if (isScalar(raw)) {
            throw cannot("an object", raw);
        }
        if (isRecord(raw)) {
            return readRecord(value, raw);
        }
        return AwsEvents.isMadeWhole(raw)
                ? AwsEvents.readWhole(value, raw)
                : readBean(value, raw);
    }

    private static Object readBean(Map<?, ?> value, Class<?> raw) throws Exception {
        Constructor<?> constructor = raw.getDeclaredConstructor();
        constructor.setAccessible(true);
        Object bean = create(constructor);
        Map<String, Object> byName = byLowerName(value);
        for (Method method : raw.getMethods()) {
            String name = propertyOf(method, "set", 1);
            if (name != null && byName.containsKey(name)) {
                Type type = method.getGenericParameterTypes()[0];
                Object content = byName.remove(name);
                content = AwsEvents.isDate(raw, type, content)
                        ? AwsEvents.readDate(content)
                        : read(content, type);
                method.setAccessible(true);
                call(method, bean, content);
            }
        }
        for (Field field : raw.getFields()) {
            String name = field.getName().toLowerCase(Locale.ROOT);
            if (byName.containsKey(name) && !Modifier.isStatic(field.getModifiers())) {
                field.set(bean, read(byName.get(name), field.getGenericType()));
            }
        }
        return bean;
    }

    private static Object readRecord(Map<?, ?> value, Class<?> raw) throws Exception {
        Map<String, Object> byName = byLowerName(value);
        Field[] fields = recordFields(raw);
        Class<?>[] types = new Class<?>[fields.length];
        Object[] contents = new Object[fields.length];
        for (int i = 0; i < fields.length; i++) {
            types[i] = fields[i].getType();
            String name = fields[i].getName().toLowerCase(Locale.ROOT);
            contents[i] = read(byName.get(name), fields[i].getGenericType());
        }
        Constructor<?> constructor = raw.getDeclaredConstructor(types);
        constructor.setAccessible(true);
        return create(constructor, contents);
    }

    private static Object readList(List<?> value, Type type, Class<?> raw) throws Exception {
        if (raw.isArray()) {
            Type item =
                    type instanceof GenericArrayType
                            ? ((GenericArrayType) type).getGenericComponentType()
                            : raw.getComponentType();
            Object array = Array.newInstance(raw.getComponentType(), value.size());
            for (int i = 0; i < value.size(); i++) {
                Array.set(array, i, read(value.get(i), item));
            }
            return array;
        }
        if (!Iterable.class.isAssignableFrom(raw)) {
            if (value.size() > 1) {
                throw cannot("an array", raw);
            }
            return read(value.isEmpty() ? null : value.get(0), type);
        }
        Collection<Object> found = newCollection(raw);
        for (Object item : value) {
            found.add(read(item, argument(type, 0)));
        }
        return found;
    }

    /** Return `value` as a value that `Json.write` knows. */
    static Object plain(Object value) throws Exception {
        if (value == null || isScalar(value.getClass())) {
            return value instanceof Enum ? ((Enum<?>) value).name() : value;
        }
        if (value instanceof Optional) {
            return plain(((Optional<?>) value).orElse(null));
        }
        if (value instanceof Date) {
            return ((Date) value).getTime();
        }
        if (value instanceof byte[]) {
            return Base64.getEncoder().encodeToString((byte[]) value);
        }
        if (value instanceof ByteBuffer) {
            ByteBuffer rest = Base64.getEncoder().encode(((ByteBuffer) value).duplicate());
            return StandardCharsets.ISO_8859_1.decode(rest).toString();
        }
        if (value instanceof Map) {
            Map<String, Object> found = new LinkedHashMap<>();
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                putPlain(found, String.valueOf(entry.getKey()), entry.getValue());
            }
            return found;
        }
        if (value instanceof Iterable) {
            List<Object> found = new ArrayList<>();
            for (Object item : (Iterable<?>) value) {
                found.add(plain(item));
            }
            return found;
        }
        if (value.getClass().isArray()) {
            List<Object> found = new ArrayList<>();
            for (int i = 0; i < Array.getLength(value); i++) {
                found.add(plain(Array.get(value, i)));
            }
            return found;
        }
        return value.getClass().getName().startsWith("java.") ? value.toString() : members(value);
    }

    // AWS has Jackson leave out null members; an empty Optional is none.
    private static void putPlain(Map<String, Object> members, String name, Object content)
            throws Exception {
        if (content != null) {
            members.put(name, plain(content));
        }
    }

    private static Map<String, Object> members(Object bean) throws Exception {
        Class<?> raw = bean.getClass();
        Map<String, Object> byName = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        for (Field field : raw.getFields()) {
            if (!Modifier.isStatic(field.getModifiers())) {
                putPlain(byName, field.getName(), field.get(bean));
            }
        }
        boolean isRecord = isRecord(raw);
        for (Method method : raw.getMethods()) {
            boolean isOwn = method.getDeclaringClass() != Object.class;
            String name = isRecord ? componentOf(method, raw) : getterOf(method);
            if (isOwn && name != null) {
                method.setAccessible(true);
                putPlain(byName, name, call(method, bean));
            }
        }
        return inOrderOfFields(raw, byName);
    }

    private static Map<String, Object> inOrderOfFields(Class<?> raw, Map<String, Object> byName) {
        Map<String, Object> found = new LinkedHashMap<>();
        for (Class<?> type = raw; type != null; type = type.getSuperclass()) {
            for (Field field : type.getDeclaredFields()) {
                if (byName.containsKey(field.getName())) {
                    found.putIfAbsent(field.getName(), byName.remove(field.getName()));
                }
            }
        }
        found.putAll(byName);
        return found;
    }

    private static String getterOf(Method method) {
        String name = propertyOf(method, "get", 0);
        boolean isBoolean = method.getReturnType() == boolean.class;
        name = name == null && isBoolean ? propertyOf(method, "is", 0) : name;
        if (name == null || method.getReturnType() == void.class) {
            return null;
        }
        String bare = method.getName().substring(method.getName().startsWith("is") ? 2 : 3);
        return bare.substring(0, 1).toLowerCase(Locale.ROOT) + bare.substring(1);
    }

    private static String componentOf(Method method, Class<?> raw) {
        for (Field field : recordFields(raw)) {
            if (field.getName().equals(method.getName()) && method.getParameterCount() == 0) {
                return field.getName();
            }
        }
        return null;
    }

    /** Return the property that a getter or setter is for, in small letters; null for others. */
    static String propertyOf(Method method, String prefix, int parameters) {
        String name = method.getName();
        boolean fits =
                name.startsWith(prefix)
                        && name.length() > prefix.length()
                        && method.getParameterCount() == parameters
                        && !method.isBridge()
                        && !Modifier.isStatic(method.getModifiers());
        return fits ? name.substring(prefix.length()).toLowerCase(Locale.ROOT) : null;
    }

    /** AWS's own event types have `getRecords` for what JSON calls `Records`. */
    private static Map<String, Object> byLowerName(Map<?, ?> value) {
        Map<String, Object> found = new LinkedHashMap<>();
        for (Map.Entry<?, ?> entry : value.entrySet()) {
            found.put(String.valueOf(entry.getKey()).toLowerCase(Locale.ROOT), entry.getValue());
        }
        return found;
    }

    private static boolean isScalar(Class<?> raw) {
        return raw.isPrimitive()
                || raw == String.class
                || raw == Boolean.class
                || raw == Character.class
                || Number.class.isAssignableFrom(raw)
                || Enum.class.isAssignableFrom(raw);
    }

    // Records came with Java 16, and this is compiled for Java 8.
    private static boolean isRecord(Class<?> raw) {
        Class<?> parent = raw.getSuperclass();
        return parent != null && parent.getName().equals("java.lang.Record");
    }

    private static Field[] recordFields(Class<?> raw) {
        List<Field> found = new ArrayList<>();
        for (Field field : raw.getDeclaredFields()) {
            if (!Modifier.isStatic(field.getModifiers())) {
                found.add(field);
            }
        }
        return found.toArray(new Field[0]);
    }

    @SuppressWarnings("unchecked")
    private static Map<Object, Object> newMap(Class<?> raw) throws Exception {
        if (!raw.isInterface() && !Modifier.isAbstract(raw.getModifiers())) {
            return (Map<Object, Object>) raw.getConstructor().newInstance();
        }
        return SortedMap.class.isAssignableFrom(raw) ? new TreeMap<>() : new LinkedHashMap<>();
    }

    @SuppressWarnings("unchecked")
    private static Collection<Object> newCollection(Class<?> raw) throws Exception {
        if (!raw.isInterface() && !Modifier.isAbstract(raw.getModifiers())) {
            return (Collection<Object>) raw.getConstructor().newInstance();
        }
        return Set.class.isAssignableFrom(raw) ? new LinkedHashSet<>() : new ArrayList<>();
    }

    static Class<?> rawClass(Type type) {
        if (type instanceof Class) {
            return (Class<?>) type;
        }
        if (type instanceof ParameterizedType) {
            return rawClass(((ParameterizedType) type).getRawType());
        }
        if (type instanceof GenericArrayType) {
            Class<?> item = rawClass(((GenericArrayType) type).getGenericComponentType());
            return Array.newInstance(item, 0).getClass();
        }
        if (type instanceof WildcardType) {
            return rawClass(((WildcardType) type).getUpperBounds()[0]);
        }
        return rawClass(((TypeVariable<?>) type).getBounds()[0]);
    }

    private static Type argument(Type type, int index) {
        if (type instanceof ParameterizedType) {
            return ((ParameterizedType) type).getActualTypeArguments()[index];
        }
        return Object.class;
    }

    static Object create(Constructor<?> constructor, Object... arguments) throws Exception {
        try {
            return constructor.newInstance(arguments);
        } catch (InvocationTargetException error) {
            throw Faults.causeOf(error);
        }
    }

    static Object call(Method method, Object target, Object... arguments) throws Exception {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException error) {
            throw Faults.causeOf(error);
        }
    }

    static IllegalArgumentException cannot(String what, Class<?> raw) {
        return new IllegalArgumentException(
                "Cannot make a value of type `" + raw.getName() + "` from " + what);
    }
}

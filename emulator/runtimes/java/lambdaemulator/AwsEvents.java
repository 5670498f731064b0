package lambdaemulator;

import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What is odd about the classes of aws-lambda-java-events: Lambda's runtime knows them by name.
 *
 * <p>Their dates are seconds, and those of S3 events have no setters, only constructors whose
 * parameters stand in the order of the fields. Source: aws-lambda-java-serialization.
 */
final class AwsEvents {
    private static final String PACKAGE = "com.amazonaws.services.";
    private static final BigDecimal MS = BigDecimal.valueOf(1000);

    private AwsEvents() {}

    /** True for a number that stands for a date in an event of AWS. */
    static boolean isDate(Class<?> owner, Type type, Object value) {
        return type == Date.class && value instanceof Number && isOfAws(owner);
    }

    /** Return the date of so many seconds since the epoch. */
    static Date readDate(Object seconds) {
        return new Date(new BigDecimal(seconds.toString()).multiply(MS).longValue());
    }

    /** True for a class of AWS that takes all it holds in its constructor. */
    static boolean isMadeWhole(Class<?> raw) {
        if (!isOfAws(raw) || raw.isInterface() || raw.isEnum()) {
            return false;
        }
        for (Method method : raw.getMethods()) {
            if (Beans.propertyOf(method, "set", 1) != null) {
                return false;
            }
        }
        return constructor(raw).getParameterCount() > 0;
    }

    /** Make one of such a class. */
    static Object readWhole(Map<?, ?> value, Class<?> raw) throws Exception {
        Map<String, Object> byName = new HashMap<>();
        for (Map.Entry<?, ?> entry : value.entrySet()) {
            byName.put(plainName(entry.getKey().toString()), entry.getValue());
        }
        Constructor<?> constructor = constructor(raw);
        Type[] types = constructor.getGenericParameterTypes();
        List<String> names = fieldNames(raw);
        Object[] contents = new Object[types.length];
        for (int i = 0; i < types.length && i < names.size(); i++) {
            contents[i] = Beans.read(byName.get(plainName(names.get(i))), types[i]);
        }
        constructor.setAccessible(true);
        return Beans.create(constructor, contents);
    }

    private static boolean isOfAws(Class<?> raw) {
        return raw.getName().startsWith(PACKAGE);
    }

    /** JSON says `Records` and `x-amz-id-2` for what the classes call `records` and `xAmzId2`. */
    private static String plainName(String name) {
        return name.replace("-", "").toLowerCase(Locale.ROOT);
    }

    private static Constructor<?> constructor(Class<?> raw) {
        return Arrays.stream(raw.getDeclaredConstructors())
                .max(Comparator.comparing(Constructor::getParameterCount))
                .get();
    }

    private static List<String> fieldNames(Class<?> raw) {
        List<String> names = new ArrayList<>();
        for (Class<?> type = raw; type != null; type = type.getSuperclass()) {
            List<String> own = new ArrayList<>();
            for (Field field : type.getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers()) && !field.isSynthetic()) {
                    own.add(field.getName());
                }
            }
            names.addAll(0, own);
        }
        return names;
    }
}

package lambdaemulator;

import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.time.temporal.TemporalAccessor;
import java.util.Base64;
import java.util.Date;

/** What becomes of one text, number or truth value of JSON: numbers, enums, dates, bytes. */
final class Scalars {
    private static final String[] FACTORIES = {"parse", "fromString", "valueOf", "of"};
    private static final int NANO_DIGITS = 9;
    // As Jackson reads a java.util.Date: 2026-11-22, with a time, with an offset.
    private static final DateTimeFormatter DATE =
            new DateTimeFormatterBuilder()
                    .appendPattern("yyyy-MM-dd['T'HH:mm[:ss]")
                    .appendFraction(ChronoField.NANO_OF_SECOND, 0, NANO_DIGITS, true)
                    .appendPattern("[XXX][XX][X]]")
                    .toFormatter();

    private Scalars() {}

    /** Whether any text is a value of `raw`, the empty one too: texts themselves, and bytes. */
    static boolean isOfText(Class<?> raw) {
        return raw.isAssignableFrom(String.class)
                || raw == char[].class
                || raw == byte[].class
                || raw == ByteBuffer.class;
    }

    /** Return a text, a number or a truth value as a `raw`. */
    static Object read(Object value, Class<?> raw) throws Exception {
        if (raw.isInstance(value)) {
            return value;
        }
        if (raw == String.class) {
            return value.toString();
        }
        if (raw == boolean.class || raw == Boolean.class) {
            return value instanceof Boolean ? value : Boolean.valueOf(value.toString());
        }
        if (raw == char.class || raw == Character.class) {
            return value.toString().charAt(0);
        }
        Object number = readNumber(value, raw);
        if (number != null) {
            return number;
        }
        if (raw.isEnum()) {
            for (Object constant : raw.getEnumConstants()) {
                if (((Enum<?>) constant).name().equals(value)) {
                    return constant;
                }
            }
            return null; // as AWS has Jackson read an unknown name
        }
        if (raw == char[].class) {
            return value.toString().toCharArray();
        }
        if (raw == Date.class) {
            return value instanceof Number
                    ? new Date(((Number) value).longValue())
                    : readDate(value.toString());
        }
        if (raw == byte[].class && value instanceof String) {
            return Base64.getDecoder().decode((String) value);
        }
        if (raw == ByteBuffer.class && value instanceof String) {
            return ByteBuffer.wrap(Base64.getDecoder().decode((String) value));
        }
        return readByFactory(value, raw);
    }

    private static Date readDate(String text) {
        TemporalAccessor found =
                DATE.parseBest(text, Instant::from, LocalDateTime::from, LocalDate::from);
        if (found instanceof LocalDate) {
            found = ((LocalDate) found).atStartOfDay();
        }
        return Date.from(
                found instanceof Instant
                        ? (Instant) found
                        : ((LocalDateTime) found).toInstant(ZoneOffset.UTC));
    }

    private static Object readNumber(Object value, Class<?> raw) {
        boolean isNumber = Number.class.isAssignableFrom(raw) || raw.isPrimitive();
        if (!isNumber) {
            return null;
        }
        BigDecimal number = new BigDecimal(value.toString());
        if (raw == int.class || raw == Integer.class) {
            return number.intValue();
        }
        if (raw == long.class || raw == Long.class) {
            return number.longValue();
        }
        if (raw == double.class || raw == Double.class) {
            return number.doubleValue();
        }
        if (raw == float.class || raw == Float.class) {
            return number.floatValue();
        }
        if (raw == short.class || raw == Short.class) {
            return number.shortValue();
        }
        if (raw == byte.class || raw == Byte.class) {
            return number.byteValue();
        }
        return raw == BigInteger.class ? number.toBigInteger() : number;
    }

    /** Instants, UUIDs, dates of other libraries: whatever has a factory, or constructor, for text. */
    private static Object readByFactory(Object value, Class<?> raw) throws Exception {
        for (String name : FACTORIES) {
            for (Method method : raw.getMethods()) {
                boolean fits =
                        method.getName().equals(name)
                                && Modifier.isStatic(method.getModifiers())
                                && raw.isAssignableFrom(method.getReturnType())
                                && method.getParameterCount() == 1
                                && method.getParameterTypes()[0].isInstance(value);
                if (fits) {
                    return Beans.call(method, null, value);
                }
            }
        }
        for (Constructor<?> constructor : raw.getConstructors()) {
            boolean takesOne = constructor.getParameterCount() == 1;
            if (takesOne && constructor.getParameterTypes()[0].isInstance(value)) {
                return Beans.create(constructor, value);
            }
        }
        throw Beans.cannot(value.getClass().getSimpleName(), raw);
    }
}

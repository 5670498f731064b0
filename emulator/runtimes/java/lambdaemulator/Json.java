package lambdaemulator;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** JSON text to and from maps, lists, strings, numbers, booleans and null. */
final class Json {
    private static final int DEEPEST = 1000;

    private final String text;
    private int at;
    private int depth;

    private Json(String text) {
        this.text = text;
    }

    /** Return the value of a document. Throws IllegalArgumentException when it is no JSON. */
    static Object parse(String text) {
        Json reader = new Json(text);
        Object value = reader.value();
        reader.skipBlanks();
        if (reader.at != text.length()) {
            throw reader.unexpected();
        }
        return value;
    }

    private Object value() {
        skipBlanks();
        if (at == text.length()) {
            throw new IllegalArgumentException("No content to map due to end-of-input");
        }
        switch (text.charAt(at)) {
            case '{':
                return object();
            case '[':
                return array();
            case '"':
                return string();
            case 't':
                return word("true", Boolean.TRUE);
            case 'f':
                return word("false", Boolean.FALSE);
            case 'n':
                return word("null", null);
            default:
                return number();
        }
    }

    private Object object() {
        Map<String, Object> found = new LinkedHashMap<>();
        enter();
        if (!take('}')) {
            do {
                skipBlanks();
                if (at == text.length() || text.charAt(at) != '"') {
                    throw unexpected();
                }
                String name = string();
                expect(':');
                found.put(name, value());
            } while (take(','));
            expect('}');
        }
        depth--;
        return found;
    }

    private Object array() {
        List<Object> found = new ArrayList<>();
        enter();
        if (!take(']')) {
            do {
                found.add(value());
            } while (take(','));
            expect(']');
        }
        depth--;
        return found;
    }

    private void enter() {
        at++;
        if (++depth > DEEPEST) {
            throw new IllegalArgumentException("Document nesting depth exceeds " + DEEPEST);
        }
    }

    private String string() {
        int start = ++at;
        StringBuilder changed = null;
        for (; at < text.length(); at++) {
            char c = text.charAt(at);
            if (c == '"') {
                String rest = text.substring(start, at++);
                return changed == null ? rest : changed.append(rest).toString();
            }
            if (c == '\\') {
                changed = changed == null ? new StringBuilder() : changed;
                changed.append(text, start, at);
                changed.append(escaped());
                start = at + 1;
            }
        }
        throw unexpected();
    }

    private char escaped() {
        char c = ++at < text.length() ? text.charAt(at) : ' ';
        int plain = "\"\\/bfnrt".indexOf(c);
        if (plain >= 0) {
            return "\"\\/\b\f\n\r\t".charAt(plain);
        }
        if (c != 'u' || at + 4 >= text.length()) {
            throw unexpected();
        }
        at += 4;
        return (char) Integer.parseInt(text.substring(at - 3, at + 1), 16);
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) {
            throw unexpected();
        }
        at += word.length();
        return value;
    }

    private Object number() {
        int start = at;
        boolean isWhole = true;
        for (; at < text.length() && "+-0123456789.eE".indexOf(text.charAt(at)) >= 0; at++) {
            isWhole &= ".eE".indexOf(text.charAt(at)) < 0;
        }
        if (start == at) {
            throw unexpected();
        }
        String digits = text.substring(start, at);
        if (!isWhole) {
            return Double.valueOf(digits);
        }
        BigInteger whole = new BigInteger(digits);
        if (whole.bitLength() < Integer.SIZE) {
            return whole.intValue();
        }
        return whole.bitLength() < Long.SIZE ? (Object) whole.longValue() : whole;
    }

    private boolean take(char wanted) {
        skipBlanks();
        if (at < text.length() && text.charAt(at) == wanted) {
            at++;
            return true;
        }
        return false;
    }

    private void expect(char wanted) {
        if (!take(wanted)) {
            throw unexpected();
        }
    }

    private void skipBlanks() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private IllegalArgumentException unexpected() {
        String what = at < text.length() ? "character '" + text.charAt(at) + "'" : "end-of-input";
        return new IllegalArgumentException("Unexpected " + what + " at position " + at);
    }

    /** Return the text of a value of the kinds that `parse` returns. */
    static String write(Object value) {
        StringBuilder text = new StringBuilder();
        write(value, text);
        return text.toString();
    }

    private static void write(Object value, StringBuilder text) {
        if (value instanceof Map) {
            text.append('{');
            String separator = "";
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                text.append(separator);
                writeString(String.valueOf(entry.getKey()), text);
                write(entry.getValue(), text.append(':'));
                separator = ",";
            }
            text.append('}');
        } else if (value instanceof Iterable) {
            text.append('[');
            String separator = "";
            for (Object item : (Iterable<?>) value) {
                write(item, text.append(separator));
                separator = ",";
            }
            text.append(']');
        } else if (value instanceof Number) {
            writeNumber((Number) value, text);
        } else if (value instanceof Boolean || value == null) {
            text.append(value);
        } else {
            writeString(value.toString(), text);
        }
    }

    private static void writeNumber(Number number, StringBuilder text) {
        double approximately = number.doubleValue();
        boolean isReal = number instanceof Double || number instanceof Float;
        if (isReal && (Double.isNaN(approximately) || Double.isInfinite(approximately))) {
            writeString(number.toString(), text);
        } else {
            text.append(number instanceof BigDecimal ? number.toString() : number);
        }
    }

    private static void writeString(String value, StringBuilder text) {
        text.append('"');
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            int special = "\"\\\b\f\n\r\t".indexOf(c);
            if (special >= 0) {
                text.append('\\').append("\"\\bfnrt".charAt(special));
            } else if (c < ' ') {
                text.append(String.format("\\u%04x", (int) c));
            } else {
                text.append(c);
            }
        }
        text.append('"');
    }
}

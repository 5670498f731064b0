package lambdaemulator;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaLogger;
import com.amazonaws.services.lambda.runtime.logging.LogFormat;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The function's log, as Lambda's Java runtime writes it: text, or JSON with levels.
 *
 * <p>Each message is one frame, so that it is one log event whatever newlines it has. Sources:
 * spec/runtime-api.md section 6, aws-lambda-java-runtime-interface-client.
 */
public final class FunctionLog implements LambdaLogger {
    private static final int TEXT_FRAME = 0xA55A0003;
    private static final int JSON_FRAME = 0xA55A0002;
    private static final int HEADER_BYTES = 16;
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);
    private static volatile Context current; // of the invocation that runs

    private final boolean isJson =
            LogFormat.fromString(System.getenv("AWS_LAMBDA_LOG_FORMAT")) == LogFormat.JSON;
    private final LogLevel least = LogLevel.fromString(System.getenv("AWS_LAMBDA_LOG_LEVEL"));
    // Standard output itself, whatever the function has put in its place.
    private final OutputStream out = new FileOutputStream(FileDescriptor.out);

    /** Have the lines that follow name this invocation. */
    static void enter(Context context) {
        current = context;
    }

    /** Log an error of the function, or of its handler. */
    void logError(String text) {
        if (isJson) {
            log(text.trim(), LogLevel.ERROR);
        } else {
            log(text.trim().replace("\n", "\r"));
        }
    }

    @Override
    public void log(String message) {
        log(message, LogLevel.UNDEFINED);
    }

    @Override
    public void log(byte[] message) {
        log(message, LogLevel.UNDEFINED);
    }

    @Override
    public void log(String message, LogLevel level) {
        if (isLogged(level)) {
            write(isJson ? document(message, level) : line(message, level));
        }
    }

    @Override
    public void log(byte[] message, LogLevel level) {
        if (isLogged(level)) {
            write(new String(message, StandardCharsets.UTF_8)); // as it is, in either format
        }
    }

    private boolean isLogged(LogLevel level) {
        return level == LogLevel.UNDEFINED || level.compareTo(least) >= 0;
    }

    private static String line(String message, LogLevel level) {
        return level == LogLevel.UNDEFINED ? message : "[" + level + "] " + message;
    }

    private static String document(String message, LogLevel level) {
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("timestamp", TIME.format(Instant.now()));
        document.put("message", message);
        document.put("level", level.name());
        Context context = current;
        if (context != null) {
            document.put("AWSRequestId", context.getAwsRequestId());
            if (context.getTenantId() != null) {
                document.put("tenantId", context.getTenantId());
            }
        }
        return Json.write(document);
    }

    private void write(String text) {
        byte[] content = text.replaceAll("\n+$", "").getBytes(StandardCharsets.UTF_8);
        ByteBuffer frame = ByteBuffer.allocate(HEADER_BYTES + content.length);
        frame.putInt(isJson ? JSON_FRAME : TEXT_FRAME).putInt(content.length);
        frame.putLong(System.currentTimeMillis() * 1000).put(content);
        System.out.flush();
        try {
            synchronized (out) {
                out.write(frame.array());
            }
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }
}

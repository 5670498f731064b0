package lambdaemulator;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** Client of Lambda's Runtime API: one keep-alive connection, spec/runtime-api.md section 1. */
final class RuntimeApi {
    private static final String ROOT = "/2018-06-01/runtime/";

    private final String address;
    private final InputStream input;
    private final OutputStream output;

    /** What the API answered; of an event also its headers, by names in small letters. */
    static final class Answer {
        final Map<String, String> headers = new HashMap<>();
        byte[] body = {};

        boolean isEvent() {
            return headers.containsKey("lambda-runtime-aws-request-id");
        }
    }

    /** address: host:port. */
    RuntimeApi(String address) throws IOException {
        this.address = address;
        int colon = address.lastIndexOf(':');
        Socket socket =
                new Socket(
                        address.substring(0, colon), Integer.parseInt(address.substring(colon + 1)));
        socket.setTcpNoDelay(true);
        input = new BufferedInputStream(socket.getInputStream(), 16384);
        output = socket.getOutputStream();
    }

    /** Ask for the first event, which ends the init phase. */
    Answer first() throws IOException {
        output.write(head("GET", "invocation/next", "").toByteArray());
        return readEvent();
    }

    /** Post what came of an invocation and ask for the next event, in one segment. */
    Answer answer(String requestId, String kind, byte[] body, String errorType)
            throws IOException {
        ByteArrayOutputStream request = post("invocation/" + requestId + kind, body, errorType);
        request.write(head("GET", "invocation/next", "").toByteArray());
        request.writeTo(output);
        return readEvent();
    }

    /** Post what came of the last invocation of this process. */
    void lastAnswer(String requestId, byte[] body, String errorType) throws IOException {
        post("invocation/" + requestId + "/error", body, errorType).writeTo(output);
        read();
    }

    /** Post why the init phase failed. */
    void initError(byte[] body, String errorType) throws IOException {
        post("init/error", body, errorType).writeTo(output);
        read();
    }

    /** Tell the emulator where a debugger can attach. */
    void tellDebugger(String place) throws IOException {
        byte[] body = place.getBytes(StandardCharsets.UTF_8);
        String head =
                "POST /2026-11-22/debugger HTTP/1.1\r\nHost: "
                        + address
                        + "\r\nContent-Length: "
                        + body.length
                        + "\r\n\r\n";
        ByteArrayOutputStream request = new ByteArrayOutputStream();
        request.write(head.getBytes(StandardCharsets.UTF_8));
        request.write(body);
        request.writeTo(output);
        read();
    }

    private ByteArrayOutputStream post(String path, byte[] body, String errorType)
            throws IOException {
        String type =
                errorType == null
                        ? ""
                        : "Lambda-Runtime-Function-Error-Type: " + errorType + "\r\n";
        String more = "Content-Type: application/json\r\n" + type;
        ByteArrayOutputStream request =
                head("POST", path, more + "Content-Length: " + body.length + "\r\n");
        request.write(body);
        return request;
    }

    private ByteArrayOutputStream head(String method, String path, String more)
            throws IOException {
        String text =
                method + " " + ROOT + path + " HTTP/1.1\r\nHost: " + address + "\r\n" + more + "\r\n";
        ByteArrayOutputStream request = new ByteArrayOutputStream();
        request.write(text.getBytes(StandardCharsets.UTF_8));
        return request;
    }

    private Answer readEvent() throws IOException {
        Answer answer = read();
        while (!answer.isEvent()) {
            answer = read();
        }
        return answer;
    }

    private Answer read() throws IOException {
        Answer answer = new Answer();
        readLine(); // the status: a refused answer was the server's to report
        for (String line = readLine(); !line.isEmpty(); line = readLine()) {
            int colon = line.indexOf(':');
            String name = line.substring(0, colon).toLowerCase(Locale.ROOT);
            answer.headers.put(name, line.substring(colon + 1).trim());
        }
        String length = answer.headers.get("content-length");
        answer.body = new byte[length == null ? 0 : Integer.parseInt(length)];
        new DataInputStream(input).readFully(answer.body);
        return answer;
    }

    private String readLine() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int c = input.read(); c != '\n'; c = input.read()) {
            if (c < 0) {
                throw new EOFException(); // the emulator has closed the connection
            }
            line.write(c);
        }
        String text = new String(line.toByteArray(), StandardCharsets.UTF_8);
        return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
    }
}

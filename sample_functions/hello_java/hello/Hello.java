package hello;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;

/** Greets whom the event names. */
public class Hello implements RequestHandler<Hello.Guest, Hello.Greeting> {
    public static class Guest {
        private String name = "world";

        public void setName(String name) {
            this.name = name;
        }
    }

    public static class Greeting {
        private final String text;
        private final String requestId;

        Greeting(String text, String requestId) {
            this.text = text;
            this.requestId = requestId;
        }

        public String getText() {
            return text;
        }

        public String getRequestId() {
            return requestId;
        }
    }

    @Override
    public Greeting handleRequest(Guest guest, Context context) {
        context.getLogger().log("greeting " + guest.name);
        return new Greeting("Hello, " + guest.name + "!", context.getAwsRequestId());
    }
}

package lambdaemulator;

import com.amazonaws.services.lambda.runtime.Client;
import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.CognitoIdentity;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaLogger;
import com.amazonaws.services.lambda.runtime.LambdaRuntime;
import java.util.LinkedHashMap;
import java.util.Map;

/** The context of one invocation: what the environment and the event's headers say. */
final class InvocationContext implements Context {
    private final Map<String, String> headers; // with small letters
    private final long stoppedMs; // 0: time runs

    InvocationContext(Map<String, String> headers) {
        this.headers = headers;
        // A debugger is attached: the time that is left does not change.
        stoppedMs =
                headers.containsKey("lambda-emulator-clock-stopped")
                        ? System.currentTimeMillis()
                        : 0;
    }

    private String header(String name) {
        return headers.get("lambda-runtime-" + name);
    }

    @Override
    public String getAwsRequestId() {
        return header("aws-request-id");
    }

    @Override
    public String getLogGroupName() {
        return System.getenv("AWS_LAMBDA_LOG_GROUP_NAME");
    }

    @Override
    public String getLogStreamName() {
        return System.getenv("AWS_LAMBDA_LOG_STREAM_NAME");
    }

    @Override
    public String getFunctionName() {
        return System.getenv("AWS_LAMBDA_FUNCTION_NAME");
    }

    @Override
    public String getFunctionVersion() {
        return System.getenv("AWS_LAMBDA_FUNCTION_VERSION");
    }

    @Override
    public String getInvokedFunctionArn() {
        return header("invoked-function-arn");
    }

    @Override
    public int getRemainingTimeInMillis() {
        long nowMs = stoppedMs == 0 ? System.currentTimeMillis() : stoppedMs;
        long left = Long.parseLong(header("deadline-ms")) - nowMs;
        return (int) Math.max(left, 0);
    }

    @Override
    public int getMemoryLimitInMB() {
        return Integer.parseInt(System.getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"));
    }

    @Override
    public LambdaLogger getLogger() {
        return LambdaRuntime.getLogger();
    }

    @Override
    public String getTenantId() {
        return header("aws-tenant-id");
    }

    @Override
    public String getXrayTraceId() {
        return header("trace-id");
    }

    @Override
    public CognitoIdentity getIdentity() {
        Map<?, ?> identity = document("cognito-identity");
        if (identity == null) {
            return null;
        }
        return new CognitoIdentity() {
            @Override
            public String getIdentityId() {
                return text(identity, "cognitoIdentityId");
            }

            @Override
            public String getIdentityPoolId() {
                return text(identity, "cognitoIdentityPoolId");
            }
        };
    }

    @Override
    public ClientContext getClientContext() {
        Map<?, ?> context = document("client-context");
        if (context == null) {
            return null;
        }
        return new ClientContext() {
            @Override
            public Client getClient() {
                Object client = context.get("client");
                return client instanceof Map ? new MobileClient((Map<?, ?>) client) : null;
            }

            @Override
            public Map<String, String> getCustom() {
                return texts(context.get("custom"));
            }

            @Override
            public Map<String, String> getEnvironment() {
                return texts(context.get("env"));
            }
        };
    }

    private static final class MobileClient implements Client {
        private final Map<?, ?> content;

        MobileClient(Map<?, ?> content) {
            this.content = content;
        }

        @Override
        public String getInstallationId() {
            return text(content, "installation_id");
        }

        @Override
        public String getAppTitle() {
            return text(content, "app_title");
        }

        @Override
        public String getAppVersionName() {
            return text(content, "app_version_name");
        }

        @Override
        public String getAppVersionCode() {
            return text(content, "app_version_code");
        }

        @Override
        public String getAppPackageName() {
            return text(content, "app_package_name");
        }
    }

    private Map<?, ?> document(String name) {
        String text = header(name);
        return text == null || text.isEmpty() ? null : (Map<?, ?>) Json.parse(text);
    }

    private static String text(Map<?, ?> document, String name) {
        Object value = document.get(name);
        return value == null ? null : value.toString();
    }

    private static Map<String, String> texts(Object value) {
        if (!(value instanceof Map)) {
            return null;
        }
        Map<String, String> found = new LinkedHashMap<>();
        for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
            Object content = entry.getValue();
            String text = content instanceof String ? (String) content : Json.write(content);
            found.put(entry.getKey().toString(), text);
        }
        return found;
    }
}

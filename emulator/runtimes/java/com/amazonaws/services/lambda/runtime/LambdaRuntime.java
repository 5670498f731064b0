package com.amazonaws.services.lambda.runtime;

import lambdaemulator.FunctionLog;

/** The logger for code that has no context at hand. */
public final class LambdaRuntime {
    private static final FunctionLog LOGGER = new FunctionLog();

    private LambdaRuntime() {}

    public static LambdaLogger getLogger() {
        return LOGGER;
    }
}

package com.amazonaws.services.lambda.runtime.logging;

/** In which form a function's log is written. */
public enum LogFormat {
    JSON,
    TEXT;

    /** The format of that name in any case; TEXT for another. */
    public static LogFormat fromString(String text) {
        return "JSON".equalsIgnoreCase(text) ? JSON : TEXT;
    }
}

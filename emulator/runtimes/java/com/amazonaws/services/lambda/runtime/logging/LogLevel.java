package com.amazonaws.services.lambda.runtime.logging;

/** How serious a line of the log is. */
public enum LogLevel {
    UNDEFINED,
    TRACE,
    DEBUG,
    INFO,
    WARN,
    ERROR,
    FATAL;

    /** The level of that name in any case; UNDEFINED for another. */
    public static LogLevel fromString(String text) {
        for (LogLevel level : values()) {
            if (level.name().equalsIgnoreCase(text)) {
                return level;
            }
        }
        return UNDEFINED;
    }
}

package com.amazonaws.services.lambda.runtime;

/** The `client` part of a client context: the application of a mobile SDK. */
public interface Client {
    String getInstallationId();

    String getAppTitle();

    String getAppVersionName();

    String getAppVersionCode();

    String getAppPackageName();
}

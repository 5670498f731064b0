package com.amazonaws.services.lambda.runtime;

/** A function of one value, which JSON becomes, to one that becomes JSON. */
public interface RequestHandler<I, O> {
    O handleRequest(I input, Context context);
}

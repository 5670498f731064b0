// Calls operations of the Lambda API with the AWS SDK for JavaScript v3: one JSON line in, one out.
import { createInterface } from "node:readline";
import * as sdk from "@aws-sdk/client-lambda";

const client = new sdk.LambdaClient({
  endpoint: process.argv[2],
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
  maxAttempts: 1,
});

// Bytes travel as {"$bytes": base64}.
const revive = (_key, value) =>
  typeof value?.$bytes === "string" ? Buffer.from(value.$bytes, "base64") : value;
async function answer(line) {
  const { operation, members } = JSON.parse(line, revive);
  try {
    const { $metadata, ...response } = await client.send(new sdk[`${operation}Command`](members));
    if (response.Payload) response.Payload = Buffer.from(response.Payload).toString();
    return { response };
  } catch (error) {
    if (!error.$metadata) throw error;
    return { error: { code: error.name, message: error.message ?? error.Message } };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(line)));
}

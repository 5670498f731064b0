const block = Buffer.alloc(65536);

exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  for (let n = 0; n < event.blocks; n++) {
    if (!stream.write(block)) await new Promise((resolve) => stream.once('drain', resolve));
  }
  stream.end();
});

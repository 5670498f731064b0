// Download, transform with ImageMagick, upload: the flow of many a Lambda talk of 2015, down to
// context.done. In AWS it needs a layer with ImageMagick, and a runtime up to nodejs22.x.
'use strict';

const { spawn } = require('node:child_process');
const { S3Client, GetObjectCommand, PutObjectCommand } = require('@aws-sdk/client-s3');

const s3 = new S3Client({});

exports.handler = function (event, context) {
  const { bucket, object } = event.Records[0].s3;
  const source = { Bucket: bucket.name, Key: decodeURIComponent(object.key.replace(/\+/g, ' ')) };
  const target = { Bucket: `${bucket.name}-resized`, Key: source.Key };

  download(source)
    .then(transform)
    .then((image) => upload(target, image))
    .then((size) => {
      console.log(`resized ${source.Bucket}/${source.Key} to ${target.Bucket}: ${size} bytes`);
      context.done(null, { bucket: target.Bucket, key: target.Key, size });
    })
    .catch((error) => context.done(error));
};

async function download(source) {
  const { Body } = await s3.send(new GetObjectCommand(source));
  return Body.transformToByteArray();
}

function transform(image) {
  return new Promise((resolve, reject) => {
    const convert = spawn('convert', ['-', '-auto-orient', '-thumbnail', '200x>', 'jpeg:-']);
    const chunks = [];
    const complaints = [];
    convert.stdout.on('data', (chunk) => chunks.push(chunk));
    convert.stderr.on('data', (chunk) => complaints.push(chunk));
    convert.on('error', reject);
    convert.stdin.on('error', () => {}); // convert may refuse before it has read everything
    convert.on('close', (code) =>
      code === 0
        ? resolve(Buffer.concat(chunks))
        : reject(new Error(`convert exited with ${code}: ${Buffer.concat(complaints)}`)));
    convert.stdin.end(image);
  });
}

async function upload(target, image) {
  await s3.send(new PutObjectCommand({ ...target, Body: image, ContentType: 'image/jpeg' }));
  return image.length;
}

// Module `cfn-response` of functions written into a template: answers for a custom resource.
// Its names are CloudFormation's.
'use strict';

exports.SUCCESS = 'SUCCESS';
exports.FAILED = 'FAILED';

exports.send = function (event, context, responseStatus, responseData, physicalResourceId, noEcho) {
  return new Promise((resolve, reject) => {
    const url = new URL(event.ResponseURL);
    const body = JSON.stringify({
      Status: responseStatus,
      Reason: 'See the details in CloudWatch Log Stream: ' + context.logStreamName,
      PhysicalResourceId: physicalResourceId || context.logStreamName,
      StackId: event.StackId,
      RequestId: event.RequestId,
      LogicalResourceId: event.LogicalResourceId,
      NoEcho: noEcho || false,
      Data: responseData,
    });
    console.log('Response body:\n', body);
    const options = {
      method: 'PUT',
      headers: { 'content-type': '', 'content-length': Buffer.byteLength(body) },
    };
    const client = require(url.protocol === 'http:' ? 'http' : 'https');
    const request = client.request(url, options, (response) => {
      console.log('Status code: ' + response.statusCode);
      response.resume();
      context.done();
      resolve();
    });
    request.on('error', (error) => {
      console.log('send(..) failed executing https.request(..): ' + error);
      context.done(error);
      reject(error);
    });
    request.end(body);
  });
};

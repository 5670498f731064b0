// Takes HTTP/1.1 responses out of a stream of bytes; bodies are delimited by Content-Length.

const HEAD_END = '\r\n\r\n';
const EMPTY = Buffer.alloc(0);

export class ResponseReader {
  #onResponse;
  #unread = EMPTY;
  #head = null; // status and headers of the response whose body is being read
  #parts = [];
  #missing = 0;

  /** onResponse(status, headers, body): headers have lower-case names, body is a Buffer. */
  constructor(onResponse) {
    this.#onResponse = onResponse;
  }

  /** Take the next bytes; calls onResponse for each response they complete. */
  push(chunk) {
    let data = this.#unread.length > 0 ? Buffer.concat([this.#unread, chunk]) : chunk;
    this.#unread = EMPTY;
    while (data.length > 0) {
      if (this.#head === null) {
        const end = data.indexOf(HEAD_END);
        if (end < 0) {
          this.#unread = data;
          return;
        }
        this.#head = parseHead(data.toString('utf8', 0, end));
        this.#missing = Number(this.#head.headers['content-length'] ?? 0);
        data = data.subarray(end + HEAD_END.length);
      }
      const part = data.subarray(0, this.#missing);
      this.#parts.push(part);
      this.#missing -= part.length;
      data = data.subarray(part.length);
      if (this.#missing === 0) this.#complete();
    }
  }

  #complete() {
    const { status, headers } = this.#head;
    const body = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts);
    this.#head = null;
    this.#parts = [];
    this.#onResponse(status, headers, body);
  }
}

function parseHead(text) {
  const [statusLine, ...lines] = text.split('\r\n');
  const headers = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { status: Number(statusLine.split(' ')[1]), headers };
}

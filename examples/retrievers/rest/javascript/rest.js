// A data source of one's own: a REST API that answers `GET /scores/KEY`.

import { Link, after } from './link.js';

const LONGEST = 1 << 20;
const PLACE = /^([\w.-]+|\[[\da-f:.]+\]):([1-9]\d{0,4})$/i;
let place, host, port;
let api; // the connection, kept from one fetch to the next

const fail = (tag, val) => { throw { tag, val }; };
const broken = (problem) => { throw new Error(problem); };
// A character is a byte here: the engine has no TextEncoder.
const bytes = (text) => Uint8Array.from(text, (char) => char.charCodeAt(0));

export const retriever = {
  configure({ options, secrets }) {
    const unknown = [...options.filter(({ name }) => name !== 'place'), ...secrets][0];
    if (unknown) fail('unknown-option', `${unknown.name} (known: place)`);
    place = options[0]?.value ?? fail('missing-option', 'place');
    const parts = PLACE.exec(place) ?? [];
    [host, port] = [parts[1]?.replace(/[[\]]/g, ''), Number(parts[2])];
    const problem = `\`${place}\` is no HOST:PORT, such as api.example:80`;
    if (!(port <= 65535)) fail('invalid-value', { name: 'place', problem });
  },

  fetch(key, timeoutMs) {
    if (!/^[a-z0-9]+$/i.test(key)) fail('bad-key', 'it is no name');
    const deadline = after(timeoutMs);
    try {
      if (!api?.isQuiet()) api = api?.close();
      api ??= new Link(host, port, deadline);
      api.write(bytes(`GET /scores/${key} HTTP/1.1\r\nhost: ${place}\r\n\r\n`), deadline);
      return answer(() => String.fromCharCode(...api.read(deadline)));
    } catch (error) {
      if (error.tag) throw error;
      api = api?.close();
      if (error.payload !== 'access-denied') fail('unavailable', `${place}: ${error.message}`);
      fail('rejected', `${place}: the node does not allow it; start it with --allow-net ${place}`);
    }
  },
};

/** The value in an answer, whose head says its length. */
function answer(read) {
  let [text, body] = ['', 0];
  for (; body < 4; body = text.indexOf('\r\n\r\n') + 4) {
    text += text.length < 16384 ? read() : broken('it gives no whole answer');
  }
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1] ?? broken('it does not speak HTTP/1.1');
  const stated = /\ncontent-length: *(\d+) *\r\n/i.exec(text.slice(0, body));
  const length = Number(stated?.[1] ?? broken('its answer has no length'));
  if (length > LONGEST) {
    api = api.close(); // the rest is not read
    fail('bad-value', 'it is larger than 1 MiB');
  }
  while (text.length < body + length) text += read();
  if (text.length > body + length) api = api.close(); // it says more than its answer
  if (status === '200') return { value: bytes(text.slice(body, body + length)) };
  if (status === '404' || status === '410') return null;
  const passes = /^(408|425|429|5..)$/.test(status);
  return fail(passes ? 'unavailable' : 'rejected', `${place}: it answers ${status}`);
}

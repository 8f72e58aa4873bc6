// A TCP connection by the sockets of WASI 0.2. Each step of it ends by a deadline.

import clock from 'wasi:clocks/monotonic-clock@0.2.12';
import events from 'wasi:io/poll@0.2.12';
import network from 'wasi:sockets/instance-network@0.2.12';
import names from 'wasi:sockets/ip-name-lookup@0.2.12';
import sockets from 'wasi:sockets/tcp-create-socket@0.2.12';

/** When so many milliseconds will have passed, in nanoseconds of a clock that nobody sets. */
export const after = (ms) => clock.now() + ms * 1e6;

/** What `step` gives once it does not fail with `would-block`, for which it waits for `handle`. */
function wait(handle, deadline, step) {
  for (;;) {
    try {
      return step();
    } catch (error) {
      if (error.payload !== 'would-block') throw error;
    }
    const left = deadline - clock.now();
    if (left <= 0) throw new Error('no answer in time');
    const either = [handle.subscribe(), clock.subscribeDuration(Math.ceil(left))];
    events.poll(either);
    either.forEach((event) => event[Symbol.dispose]());
  }
}

/** Thrown where there is nothing to read or no room to write yet, as sockets do. */
const wouldBlock = Object.assign(new Error('would block'), { payload: 'would-block' });

export class Link {
  /** Connects to the first address of `host` that takes the connection. */
  constructor(host, port, deadline) {
    const net = network.instanceNetwork();
    const found = names.resolveAddresses(net, host);
    let failed = new Error('its name has no address');
    try {
      for (;;) {
        const address = wait(found, deadline, () => found.resolveNextAddress());
        if (address === null) throw failed;
        try {
          // One address that swallows everything leaves time for the next.
          this.connect(net, address, port, (clock.now() + deadline) / 2);
          return;
        } catch (error) {
          this.close();
          failed = error;
        }
      }
    } finally {
      for (const handle of [found, net]) handle[Symbol.dispose]();
    }
  }

  connect(net, { tag, val: address }, port, deadline) {
    this.socket = sockets.createTcpSocket(tag);
    this.socket.startConnect(net, { tag, val: { port, address, flowInfo: 0, scopeId: 0 } });
    const connected = wait(this.socket, deadline, () => this.socket.finishConnect());
    [this.input, this.output] = connected;
  }

  /** The next bytes. */
  read(deadline) {
    return wait(this.input, deadline, () => {
      const bytes = this.readNow();
      if (bytes.length === 0) throw wouldBlock;
      return bytes;
    });
  }

  /** What has arrived by now. */
  readNow() {
    try {
      return this.input.read(16384);
    } catch (error) {
      throw new Error(error.payload?.tag === 'closed' ? 'it closed the connection' : 'it was cut');
    }
  }

  /** Sends a few bytes. */
  write(bytes, deadline) {
    wait(this.output, deadline, () => {
      if (this.output.checkWrite() < bytes.length) throw wouldBlock;
    });
    this.output.write(bytes);
  }

  /** Whether nothing has come since the last answer, not even the end of the connection. */
  isQuiet() {
    try {
      return this.readNow().length === 0;
    } catch {
      return false;
    }
  }

  close() {
    // The streams are parts of the socket.
    for (const part of [this.input, this.output, this.socket]) part?.[Symbol.dispose]();
    this.input = this.output = this.socket = undefined;
  }
}

// The platform's proxy: says who is signed in, and may hold event streams back until it cuts them.
import { createServer, IncomingMessage, request, Server, ServerResponse } from "node:http";
import { AddressInfo } from "node:net";

export type Manner = { email?: string; holdsEvents?: boolean; cutsAfter?: number };

export class Proxy {
  /** Event streams that were cut. */
  cuts = 0;

  private constructor(
    private readonly server: Server,
    private readonly upstream: URL,
    private readonly manner: Manner,
  ) {}

  static async before(upstream: string, manner: Manner): Promise<Proxy> {
    const server = createServer((incoming, outgoing) => proxy.pass(incoming, outgoing));
    const proxy = new Proxy(server, new URL(upstream), manner);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const headers = { ...incoming.headers, host: this.upstream.host, "x-forwarded-host": incoming.headers.host, "x-forwarded-proto": "https" };
    if (this.manner.email) Object.assign(headers, { "x-forwarded-email": this.manner.email });
    const { hostname, port } = this.upstream;
    const passed = request({ hostname, port, path: incoming.url, method: incoming.method, headers }, (answer) => {
      if (this.manner.holdsEvents && incoming.url?.endsWith("/events")) {
        this.hold(answer, outgoing);
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on("error", () => outgoing.destroy());
    outgoing.on("close", () => passed.destroy());
    incoming.pipe(passed);
  }

  /** Keeps everything until it is over, or throws it away when that takes too long. */
  private hold(answer: IncomingMessage, outgoing: ServerResponse): void {
    const held: Buffer[] = [];
    const cut = setTimeout(() => {
      this.cuts += 1;
      outgoing.destroy();
    }, this.manner.cutsAfter ?? 120_000);
    answer.on("data", (piece: Buffer) => held.push(piece));
    answer.on("end", () => {
      clearTimeout(cut);
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      outgoing.end(Buffer.concat(held));
    });
    outgoing.on("close", () => clearTimeout(cut));
  }
}

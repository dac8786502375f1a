// Starts the program that was built, on free ports over an empty folder, and ends it by its own process id.
import { ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const OUR_SETTINGS = /^(DATABRICKS_|DIRECT_WRITE_(ADDR|LAKEHOUSE_ADDR|DATA_DIR|TABLE|ZEROBUS_))/;

function binary(): string {
  const binary = process.env.DIRECT_WRITE_BINARY;
  if (!binary) throw new Error("DIRECT_WRITE_BINARY is not set: run `make e2e`");
  return binary;
}

function environment(settings: Record<string, string>): Record<string, string | undefined> {
  const inherited = Object.entries(process.env).filter(([name]) => !OUR_SETTINGS.test(name));
  return { ...Object.fromEntries(inherited), ...settings };
}

/** `direct-write run` with a plan file over a lakehouse of its own; answers the report it wrote. Rejects when it does not end with 0. */
export async function runPlan(plan: string): Promise<any> {
  const folder = mkdtempSync(join(tmpdir(), "direct-write-"));
  try {
    const [file, out] = [join(folder, "plan.toml"), join(folder, "report.json")];
    writeFileSync(file, plan);
    const env = environment({ DIRECT_WRITE_DATA_DIR: folder, DIRECT_WRITE_LAKEHOUSE_ADDR: "127.0.0.1:0" });
    await promisify(execFile)(binary(), ["run", file, "--out", out], { env });
    return JSON.parse(readFileSync(out, "utf8"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export class Program {
  private constructor(
    private readonly child: ChildProcess,
    /** Addresses in the order the program printed them. */
    readonly urls: string[],
  ) {}

  /** Resolves when the program has printed `addresses` addresses. */
  static start(args: string[], settings: Record<string, string>, addresses: number): Promise<Program> {
    const env = environment({ DIRECT_WRITE_ADDR: "127.0.0.1:0", ...settings });
    const child = spawn(binary(), args, { env, stdio: ["ignore", "pipe", "pipe"] });
    let log = "";
    child.stderr!.on("data", (chunk) => (log = (log + chunk).slice(-20_000)));
    return new Promise((resolve, reject) => {
      const urls: string[] = [];
      createInterface({ input: child.stdout! }).on("line", (line) => {
        const url = line.match(/http:\/\/\S+/)?.[0];
        if (url) urls.push(url);
        if (url && urls.length === addresses) resolve(new Program(child, urls));
      });
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`the program ended with ${code}\n${log}`)));
    });
  }

  /** Asks it to stop and waits until it has. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill(signal);
    await ended;
  }
}

/** The app as `make run` starts it: the page with the local lakehouse inside. */
export class App {
  private constructor(
    private readonly program: Program,
    private readonly data: string,
    readonly url: string,
  ) {}

  static async start(): Promise<App> {
    const data = mkdtempSync(join(tmpdir(), "direct-write-"));
    const settings = { DIRECT_WRITE_DATA_DIR: data, DIRECT_WRITE_LAKEHOUSE_ADDR: "127.0.0.1:0" };
    const program = await Program.start([], settings, 2);
    return new App(program, data, program.urls[0]);
  }

  async stop(): Promise<void> {
    await this.program.stop();
    rmSync(this.data, { recursive: true, force: true });
  }
}

/** The page in front of a workspace of its own process, so that the workspace can be stopped and started again. */
export class AppWithWorkspace {
  private constructor(
    private readonly data: string,
    private workspace: Program,
    private readonly page: Program,
  ) {}

  static async start(extra: Record<string, string> = {}): Promise<AppWithWorkspace> {
    const data = mkdtempSync(join(tmpdir(), "direct-write-"));
    const workspace = await startLakehouse(data, "127.0.0.1:0");
    const credentials = JSON.parse(readFileSync(join(data, "credentials.json"), "utf8"));
    const settings = {
      // The page keeps its history and its uploads there, too.
      DIRECT_WRITE_DATA_DIR: data,
      DATABRICKS_HOST: workspace.urls[0],
      DATABRICKS_CLIENT_ID: credentials.client_id,
      DATABRICKS_CLIENT_SECRET: credentials.client_secret,
      DATABRICKS_WAREHOUSE_ID: "local",
      DIRECT_WRITE_ZEROBUS_ENDPOINT: workspace.urls[0],
      ...extra,
    };
    return new AppWithWorkspace(data, workspace, await Program.start(["serve"], settings, 1));
  }

  get url(): string {
    return this.page.urls[0];
  }

  async stopWorkspace(): Promise<void> {
    await this.workspace.stop();
  }

  async startWorkspace(): Promise<void> {
    this.workspace = await startLakehouse(this.data, new URL(this.workspace.urls[0]).host);
  }

  async stop(): Promise<void> {
    await this.page.stop();
    await this.workspace.stop();
    rmSync(this.data, { recursive: true, force: true });
  }
}

function startLakehouse(data: string, addr: string): Promise<Program> {
  return Program.start(["lakehouse"], { DIRECT_WRITE_DATA_DIR: data, DIRECT_WRITE_LAKEHOUSE_ADDR: addr }, 1);
}

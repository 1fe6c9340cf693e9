import type { Language } from '../run/plan.ts'

/** What runs code apart from the world. Drivers: docker. One contract suite for all. */
export interface SandboxDriver {
  /**
   * Runs one job in a fresh, single-use place and resolves when that place is gone.
   * @throws SandboxUnavailable when there is no such place; SandboxLost when it was taken away while the code ran.
   */
  run(job: SandboxJob): Promise<SandboxResult>
  /** Starts what makes `run` fast for these hosts (a warm pool); optional to call. */
  warm(hosts: readonly SandboxHost[]): Promise<void>
  /** Ends everything it started. */
  close(): Promise<void>
}

/** A name the code may call; transparently led to the gateway socket. */
export interface SandboxHost {
  readonly host: string
  readonly port: number
}

export interface SandboxJob {
  readonly language: Language
  readonly code: string
  readonly hosts: readonly SandboxHost[]
  /** Host path of the gateway's unix socket; null: no way out at all. */
  readonly socket: string | null
  readonly timeoutMs: number
  /** Labels for finding it again: run, step, generation. */
  readonly labels: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /** Called with output as it comes, as far as it is taken at all. */
  readonly onOutput?: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => void
}

export interface SandboxResult {
  /** `killed`: aborted, out of memory, or a flood of output. */
  readonly kind: 'exited' | 'timeout' | 'killed'
  readonly exitCode: number | null
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
  /** True where output beyond the cap was dropped. */
  readonly truncated: boolean
  /** JSON text passed to `recourse.result`, unparsed on the host beyond the frame; null: none. */
  readonly result: string | null
  readonly durationMs: number
  /** For `killed`: why, in a sentence. */
  readonly reason: string | null
}

import type { Blobs } from '../blobs/blobs.ts'
import type { ToolDefinition } from '../run/tool.ts'
import type { Reading, PerformOutcome, UndoOutcome } from '../run/effect.ts'
import type { BeginAttempt, BegunAttempt, EgressActivities, PerformArgs, SessionSpec } from '../run/ports.ts'
import type { Claims } from './claims/claims.ts'
import { runKey } from './claims/keys.ts'
import type { Upstreams } from './connectors/http.ts'
import { createGateway } from './gateway/gateway.ts'
import type { Exchange } from './gateway/handle.ts'
import { limitInFlight } from './gateway/in-flight.ts'
import type { SendEffect } from './gateway/in-flight.ts'
import { perform } from './perform.ts'
import { readResource } from './read.ts'
import { settle } from './settle.ts'
import { callTool } from './tools.ts'
import type { CalledTool, CallTool } from './tools.ts'
import { undo } from './undo.ts'
import type { UndoArgs } from './undo-context.ts'

export interface EgressPorts {
  /** Gateway sockets are made in its folder `sessions`; keep the path short (unix sockets: 107 bytes). */
  readonly stateDir: string
  readonly claims: Claims
  readonly blobs: Blobs
  readonly upstreams: Upstreams
  /** By name. */
  readonly tools: Readonly<Record<string, ToolDefinition>>
  /** The update `performEffect` of a run. Where it throws, the run finds out what became of the effect. */
  readonly performEffect: SendEffect
  /** The update `beginAttempt` of a run. */
  readonly beginAttempt: (run: string, args: BeginAttempt) => Promise<BegunAttempt>
  /** Told of every exchange through the gateway, for the log. Must not throw. */
  readonly onExchange?: (exchange: Exchange) => void
}

/** The role egress: everything that touches a service goes through here. */
export interface Egress {
  claimRun(args: { run: string; first: string }): Promise<{ kind: 'ours' | 'taken' }>
  openSession(args: SessionSpec): Promise<{ socket: string }>
  closeSession(args: { run: string; step: string }): ReturnType<EgressActivities['closeSession']>
  captureBefore(args: Parameters<EgressActivities['captureBefore']>[0]): Promise<Reading>
  perform(args: PerformArgs): Promise<PerformOutcome>
  settle(args: PerformArgs): Promise<PerformOutcome>
  /** @throws ServiceUnavailable */
  undo(args: UndoArgs): Promise<UndoOutcome>
  callTool(args: CallTool, signal: AbortSignal): Promise<CalledTool>
  /** Ends gateway sessions and connections. */
  close(): Promise<void>
}

export function createEgress(ports: EgressPorts): Egress {
  const sendEffect = limitInFlight(ports.performEffect)
  const gateway = createGateway({ ...ports, sendEffect })
  return {
    async claimRun({ run, first }) {
      const claim = await ports.claims.create(runKey(run), { first })
      if (claim.created) return { kind: 'ours' }
      const { value } = claim
      const same = typeof value === 'object' && value !== null && 'first' in value && value.first === first
      return { kind: same ? 'ours' : 'taken' }
    },
    openSession: (args) => gateway.open(args),
    closeSession: ({ run, step }) => gateway.close(run, step),
    captureBefore: ({ connector, resource }) => readResource(ports, connector, resource),
    perform: (args) => perform(ports, args),
    settle: (args) => settle(ports, args),
    undo: (args) => undo(ports, args),
    callTool: (args, signal) => callTool({ ...ports, sendEffect }, args, signal),
    async close() {
      await gateway.stop()
      await ports.upstreams.close()
    },
  }
}

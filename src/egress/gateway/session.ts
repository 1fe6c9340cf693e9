import type { Server, Socket } from 'node:net'
import type { SessionSpec } from '../../run/ports.ts'

export interface DeniedRequest {
  readonly connector: string
  readonly method: string
  readonly target: string
  readonly reason: string
}

/** One attempt's way out. Whoever speaks on its socket is that attempt; nothing in what is said changes who it is. */
export interface Session {
  readonly spec: SessionSpec
  readonly path: string
  readonly server: Server
  readonly sockets: Set<Socket>
  /** Answers under way. */
  readonly pending: Set<Promise<void>>
  /** Aborted when the session is closed. */
  readonly closed: AbortController
  readonly denied: DeniedRequest[]
  /** Effects sent so far; names their updates. */
  effects: number
}

/** Denials that are kept; code that knocks on every door must not fill the run's history. */
const DENIED_LIMIT = 100
const TEXT_LIMIT = 200

export function recordDenial(session: Session, denial: DeniedRequest): void {
  if (session.denied.length >= DENIED_LIMIT) return
  const show = (text: string) => text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, TEXT_LIMIT)
  session.denied.push({
    connector: show(denial.connector),
    method: show(denial.method),
    target: show(denial.target),
    reason: show(denial.reason),
  })
}

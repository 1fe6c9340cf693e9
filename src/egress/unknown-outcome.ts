import { setTimeout as delay } from 'node:timers/promises'
import type { EffectAnswer } from '../run/effect.ts'
import type { PerformArgs } from '../run/ports.ts'
import { matchRoute, volatileOf } from '../run/routes.ts'
import type { EffectOutcome } from './claims/effect-claim.ts'
import type { UpstreamAnswer } from './connectors/http.ts'
import { equalImages, loadBody, loadImage } from './images.ts'
import { showsIntended } from './intended.ts'
import { tryRead } from './read.ts'
import type { ReadPorts } from './read.ts'

/** True for what says neither "done" nor "not done": a broken exchange, 408, and any 5xx (500 after performing is common). */
export function isInconclusive(answer: UpstreamAnswer): boolean {
  if (answer.kind === 'answer') return answer.status === 408 || answer.status >= 500
  return answer.kind === 'broken'
}

/**
 * The table of unknown outcomes. PUT, PATCH and DELETE on a resource that was read before are decided by reading it once
 * the deadline of the request and the connector's settle time are over: as intended: performed; as before, where the
 * service did answer: it did not happen. Anything else, and every POST, stays unknown: the run asks.
 */
export async function concludeByReading(
  ports: ReadPorts,
  { connector, request, before }: PerformArgs,
  known: { answered: EffectAnswer | null; why: string; sentAt: number },
): Promise<EffectOutcome | { kind: 'unknown'; reason: string }> {
  const { answered, why } = known
  const unknown = (reason: string) => ({ kind: 'unknown' as const, reason: `${why}; ${reason}` })
  const { method, resource } = request
  if ((method !== 'PUT' && method !== 'PATCH' && method !== 'DELETE') || resource === null) {
    return unknown(`reading can not tell whether this ${method} was performed`)
  }
  const old = await loadImage(before, ports.blobs)
  if (!old) return unknown(`${resource} was not read beforehand, so reading it now can not tell`)

  const { timeoutMs, settleMs } = ports.upstreams.get(connector.name)
  // A service that answered is done with it; one that did not may act until the deadline.
  const until = answered ? Date.now() : known.sentAt + timeoutMs
  await delay(Math.max(0, until + settleMs - Date.now()))

  const { reading } = await tryRead(ports, connector, resource)
  if (reading.state === 'unreadable') return unknown(`reading did not help: ${reading.reason}`)
  const now = await loadImage(reading, ports.blobs)
  if (!now) return unknown('reading did not help')
  const path = request.target.split('?', 1)[0] ?? request.target
  const volatile = volatileOf(connector, matchRoute(connector, method, path)?.route ?? null, resource)
  const body = request.body ? await loadBody(request.body, ports.blobs) : null
  if (showsIntended(request, body, now, volatile) === true) return { kind: 'performed', answer: null, inferred: true }
  if (equalImages(old, now, volatile)) {
    // One that never answered may still be at it: an unchanged resource proves nothing then.
    if (!answered)
      return unknown(`${resource} still reads as before, but a request that was not answered may yet arrive`)
    return { kind: 'refused', answer: answered, reason: `${why}; ${resource} reads as before, so it did not happen` }
  }
  return unknown(`${resource} reads neither as before nor as the request intended`)
}

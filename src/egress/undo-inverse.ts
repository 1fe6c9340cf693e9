import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import type { Compensation, UndoOutcome } from '../run/effect.ts'
import { fillTemplate, matchRoute, readRouteOf } from '../run/routes.ts'
import { inverseKey } from './claims/keys.ts'
import { toKeyHeader } from './headers.ts'
import { toJson } from './images.ts'
import type { Image } from './images.ts'
import { drifted, driftOf, failed, isBack, judge, readNow, ServiceUnavailable } from './undo-context.ts'
import type { UndoContext } from './undo-context.ts'
import { readBack, strongTag } from './undo-restore.ts'

type Inverse = Extract<Compensation, { kind: 'inverse' }>

const LATER: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504])
/** Calls that may be repeated (RFC 9110, 9.2.2). */
const REPEATABLE: ReadonlySet<string> = new Set(['PUT', 'DELETE', 'GET', 'HEAD', 'OPTIONS'])

const Sending = z.object({ at: z.number() })
/** null: no connection came about. */
const SendingOutcome = z.object({ status: z.number().nullable() })

/** The latest time the inverse was sent. */
interface Sent {
  readonly number: number
  readonly at: number
  readonly state: 'accepted' | 'refused' | 'not-sent' | 'unclear'
}

/**
 * Makes the declared inverse call: read ▸ already undone? ▸ drifted? ▸ claim ▸ send ▸ store the answer ▸ read back. Each
 * sending has a claim of its own; one whose answer is not known is repeated only where reading shows that it is needed,
 * or where the method may be repeated.
 * @throws ServiceUnavailable when the service can not be asked now.
 */
export async function invert(base: UndoContext, inverse: Inverse): Promise<UndoOutcome> {
  const { ports, effect, connector, run, force } = base
  const body = effect.answer?.body
  const response = body ? toJson(await ports.blobs.get(body), body.type) : undefined
  const filled = fillTemplate(inverse.template, { params: base.params, response })
  if (!filled.ok) return failed(`the inverse call can not be made: ${filled.reason}`)
  const call = `${inverse.method} ${filled.path}`
  if (inverse.created && effect.answer?.status !== 201) {
    const what = `${effect.request.method} ${effect.request.target} answered ${effect.answer?.status ?? 'nothing'}`
    return failed(`${what}, which does not prove that it created what ${call} would remove; nothing was sent`)
  }
  const context = { ...base, resource: base.resource ?? readableTarget(base, inverse, filled.path) }
  const upstream = ports.upstreams.get(connector.name)

  const last = await lastSending(context)
  if (last?.state === 'unclear') {
    // Its sender may still be at it.
    await delay(Math.max(0, last.at + upstream.timeoutMs + upstream.settleMs - Date.now()))
  }
  const before = `${call} was accepted before`
  const now = await readNow(context)
  if (now.image !== null) {
    if (isUndone(context, inverse, now.image)) return judge(context, now, 'nothing was left to undo', null)
    if (last?.state === 'accepted' && !force) return judge(context, now, before, null)
    const drift = driftOf(context, now.image)
    if (drift.length > 0 && !force) {
      return drifted(drift, strongTag(now.reading) ? 'etag' : 'reread', now.reading, context.resource ?? '')
    }
  } else if (last && !force) {
    if (last.state === 'accepted') return judge(context, now, before, null)
    if (last.state === 'unclear' && !REPEATABLE.has(inverse.method)) {
      return judge(
        context,
        now,
        `whether an earlier ${call} was performed is not known, so it was not sent again`,
        null,
      )
    }
  }

  const number = (last?.number ?? 0) + 1
  const key = inverseKey(run, effect.id, number)
  const claim = await ports.claims.create(key, { at: Date.now(), call })
  if (!claim.created) throw new ServiceUnavailable('another undo of the same effect is under way')
  const etag = filled.path === context.resource && REPEATABLE.has(inverse.method) ? strongTag(now.reading) : null
  const guard = etag !== null ? 'etag' : now.image !== null ? 'reread' : 'none'
  const answer = await upstream.send({
    method: inverse.method,
    target: filled.path,
    headers: {
      ...toKeyHeader(matchRoute(connector, inverse.method, filled.path.split('?', 1)[0] ?? filled.path)?.route ?? null),
      accept: 'application/json, */*;q=0.5',
      ...(etag !== null && { 'if-match': etag }),
    },
    body: null,
  })
  if (answer.kind === 'not-sent') await ports.claims.settle(key, { status: null })
  if (answer.kind !== 'answer') throw new ServiceUnavailable(answer.reason)
  const { status } = answer
  await ports.claims.settle(key, { status })
  const how = `${call} answered ${status}`
  if (status === 412) {
    const again = await readNow(context)
    return drifted(again.image ? driftOf(context, again.image) : [], guard, again.reading, context.resource ?? '')
  }
  const back = await readBack(context, answer, now.image)
  const undone = back.image !== null && isUndone(context, inverse, back.image)
  if (!undone && LATER.has(status)) throw new ServiceUnavailable(how)
  const gone = inverse.method === 'DELETE' && (status === 404 || status === 410)
  if (!undone && status >= 400 && !gone) return failed(`${how}: the service refused it`, back.reading, guard)
  return judge(context, back, how, guard)
}

/** What a DELETE addresses can be read back where a read route is declared for it. */
function readableTarget({ connector }: UndoContext, inverse: Inverse, path: string): string | null {
  return inverse.method === 'DELETE' && readRouteOf(connector, path.split('?', 1)[0] ?? path) ? path : null
}

function isUndone(context: UndoContext, inverse: Inverse, now: Image): boolean {
  if (context.target === null) return inverse.method === 'DELETE' && now.kind === 'absent'
  return isBack(context, now)
}

async function lastSending({ ports, run, effect }: UndoContext): Promise<Sent | null> {
  for (let number = 1, last: Sent | null = null; ; number += 1) {
    const claim = await ports.claims.read(inverseKey(run, effect.id, number))
    if (!claim) return last
    last = { number, at: Sending.parse(claim.value).at, state: toState(claim.outcome) }
  }
}

function toState(outcome: unknown): Sent['state'] {
  if (outcome === null) return 'unclear'
  const { status } = SendingOutcome.parse(outcome)
  if (status === null) return 'not-sent'
  if (status === 408 || status >= 500) return 'unclear'
  return status < 400 ? 'accepted' : 'refused'
}

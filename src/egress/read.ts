import type { Blobs } from '../blobs/blobs.ts'
import type { ConnectorSnapshot } from '../run/agent.ts'
import type { Reading } from '../run/effect.ts'
import { readRouteOf } from '../run/routes.ts'
import { sendRead } from './connectors/http.ts'
import type { Upstreams } from './connectors/http.ts'

export interface ReadPorts {
  readonly upstreams: Upstreams
  readonly blobs: Blobs
}

/** Statuses that say: try again later. They are no answer about the resource. */
const LATER: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504])

export type ReadAttempt = { readonly reading: Reading; readonly unavailable: boolean }

/** Reads a resource on its declared read route, and on no other: a GET that is not declared may change things. */
export async function readResource(ports: ReadPorts, connector: ConnectorSnapshot, resource: string): Promise<Reading> {
  return (await tryRead(ports, connector, resource)).reading
}

/** As `readResource`, and says whether the service could not be asked at all, so that asking later may help. */
export async function tryRead(
  { upstreams, blobs }: ReadPorts,
  connector: ConnectorSnapshot,
  resource: string,
): Promise<ReadAttempt> {
  if (!readRouteOf(connector, resource.split('?', 1)[0] ?? resource)) {
    return unreadable(`no read route of ${connector.name} is declared for ${resource}`)
  }
  const answer = await sendRead(upstreams.get(connector.name), {
    method: 'GET',
    target: resource,
    headers: { accept: 'application/json, */*;q=0.5' },
    body: null,
  })
  if (answer.kind !== 'answer') return unreadable(answer.reason, true)
  const { status } = answer
  if (status === 404 || status === 410) return { reading: { state: 'absent' }, unavailable: false }
  if (status !== 200) return unreadable(`GET ${resource} answered ${status}`, LATER.has(status))
  if (!answer.complete) return unreadable(answer.reason ?? 'the answer was not complete')
  const { etag, 'content-type': type } = answer.headers
  return {
    reading: {
      state: 'present',
      etag: typeof etag === 'string' ? etag : null,
      body: await blobs.put(answer.body, typeof type === 'string' ? type : null),
    },
    unavailable: false,
  }
}

function unreadable(reason: string, unavailable = false): ReadAttempt {
  return { reading: { state: 'unreadable', reason }, unavailable }
}

import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { isJsonObject, parseJson, toJsonText } from '../../../src/run/json.ts'
import type { Json } from '../../../src/run/json.ts'

/** A real HTTP service that counts: documents under paths, by GET, PUT, PATCH (merge), DELETE, and POST to a collection. */
export interface Service {
  readonly origin: string
  readonly server: Server
  readonly documents: Map<string, { text: string; type: string; version: number }>
  readonly log: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[]
  /** Runs before a request is handled; true: it has answered, or broken the connection. */
  before: ((request: IncomingMessage, response: ServerResponse) => boolean | void) | null
  /** Runs after a request was performed, before its answer; true: it has answered otherwise. */
  after: ((request: IncomingMessage, response: ServerResponse) => boolean | void) | null
  /** Sends ETags and honours If-Match. */
  etags: boolean
  /** Methods of the requests that changed or may have changed something. */
  writes(): string[]
  put(path: string, text: string, type?: string): void
  /** The document as text; undefined: not there. */
  get(path: string): string | undefined
  close(): Promise<void>
}

export async function startService(port = 0): Promise<Service> {
  const documents: Service['documents'] = new Map()
  let next = 1
  const put = (path: string, text: string, type = 'application/json') =>
    void documents.set(path, { text, type, version: (documents.get(path)?.version ?? 0) + 1 })

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString('utf8')
    const { method = '', url = '' } = request
    service.log.push({ method, url, headers: request.headers, body })
    if (service.before?.(request, response)) return
    const path = url.split('?', 1)[0] ?? url
    const document = documents.get(path)
    const tag = document && `"${document.version}"`
    const answer = (status: number, text = '', type = 'application/json') => {
      if (service.after?.(request, response)) return
      const now = documents.get(path)
      const etag = service.etags && now ? { etag: `"${now.version}"` } : {}
      response.writeHead(status, { ...(text !== '' && { 'content-type': type }), ...etag, 'set-cookie': 'session=1' })
      response.end(text)
    }
    const matches = request.headers['if-match']
    if (method !== 'GET' && service.etags && matches !== undefined && matches !== tag) return answer(412)
    if (method === 'GET' || method === 'HEAD') {
      return document ? answer(200, document.text, document.type) : answer(404, '{"error":"no such document"}')
    }
    if (method === 'PUT') {
      put(path, body, request.headers['content-type'])
      return answer(document ? 200 : 201, body)
    }
    if (method === 'PATCH') {
      if (!document) return answer(404)
      put(path, toJsonText(merge(parseJson(document.text), parseJson(body))))
      return answer(200, documents.get(path)?.text)
    }
    if (method === 'DELETE') return documents.delete(path) ? answer(204) : answer(404)
    if (method === 'POST') {
      const id = next++
      const text = toJsonText({ ...(parseJson(body || '{}') as object), id })
      put(`${path}/${id}`, text)
      return answer(201, text)
    }
    answer(405)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const service: Service = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    documents,
    log: [],
    before: null,
    after: null,
    etags: false,
    writes: () => service.log.filter(({ method }) => method !== 'GET').map(({ method, url }) => `${method} ${url}`),
    put,
    get: (path) => documents.get(path)?.text,
    async close() {
      server.closeAllConnections()
      server.close()
      if (server.listening) await once(server, 'close')
    },
  }
  return service
}

function merge(document: Json, change: Json): Json {
  if (!isJsonObject(change)) return change
  const fields = new Map(isJsonObject(document) ? Object.entries(document) : [])
  for (const [name, field] of Object.entries(change)) {
    if (field === null) fields.delete(name)
    else fields.set(name, merge(fields.get(name) ?? null, field))
  }
  return Object.fromEntries(fields)
}

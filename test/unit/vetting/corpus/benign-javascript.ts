/** Realistic code for ordinary work with APIs: none of it may raise a finding. */
export const benignJavascript: readonly string[] = [
  `console.log('hello')`,
  `const events = await (await fetch('http://calendar.example.com/events')).json()
const meeting = events.find((event) => event.title.includes('meeting'))
const response = await fetch('http://mail.example.com/messages', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ to: meeting.attendees, subject: 'Late', body: \`Late for \${meeting.title}\` }),
})
if (!response.ok) throw new Error(\`mail: \${response.status}\`)`,
  `import axios from 'axios'
const { data } = await axios.get('http://orders.example.com/orders', { params: { page: 1 } })
console.table(data.items.map(({ id, total }) => ({ id, total })))`,
  `const axios = require('axios')
async function main() {
  try {
    await axios.delete('http://calendar.example.com/events/1')
  } catch (error) {
    console.error(error.response?.status, error.constructor.name)
    process.exitCode = 1
  }
}
if (require.main === module) main()
module.exports = { main }`,
  `import { readFile, writeFile, mkdir } from 'node:fs/promises'
import path from 'node:path'
await mkdir('/tmp/out', { recursive: true })
const text = await readFile('/work/input.json', 'utf8')
await writeFile(path.join('/tmp/out', 'x.json'), JSON.stringify(JSON.parse(text), null, 2))
await writeFile('notes.txt', '/etc is a folder')`,
  `const fs = require('fs')
const rows = fs.readFileSync('data/input.csv', 'utf8').split('\\n').map((line) => line.split(','))
fs.writeFileSync(process.argv[2] ?? '/tmp/out.json', JSON.stringify(rows))`,
  `import http from 'node:http'
const request = http.request('http://calendar.example.com/events/1', { method: 'PATCH' }, (response) => {
  response.setEncoding('utf8')
  response.on('data', (chunk) => process.stdout.write(chunk))
})
request.on('error', (error) => console.error(error))
request.end(JSON.stringify({ title: 'x' }))`,
  `import { setTimeout as sleep } from 'node:timers/promises'
for (;;) {
  const job = await (await fetch('http://jobs.example.com/jobs/1')).json()
  if (job.state === 'done') break
  await sleep(1000)
}
setTimeout(() => console.log('later'), 10)
setTimeout(console.log, 10, 'x')`,
  `class HttpError extends Error {
  #status
  constructor(status, message) {
    super(message)
    this.#status = status
    this.name = this.constructor.name
  }
  get status() {
    return this.#status
  }
  static of(response) {
    return new HttpError(response.status, response.statusText)
  }
}
console.log(HttpError.of({ status: 1 }) instanceof HttpError)`,
  `const pattern = /(\\d+)-(\\d+)/g
let match
while ((match = pattern.exec('1-2 3-4'))) console.log(match[1], match.index)
console.log('a-b'.replace(/-/g, '+'))`,
  `const results = await Promise.all([1, 2, 3].map(async (id) => {
  const response = await fetch(\`http://orders.example.com/orders/\${id}\`)
  return response.ok ? response.json() : null
}))
console.log(results.filter(Boolean).reduce((sum, order) => sum + order.total, 0))`,
  `const groups = {}
for (const order of [{ status: 'open' }]) {
  const key = order.status
  groups[key] ??= []
  groups[key].push(order)
}
for (const [key, list] of Object.entries(groups)) console.log(key, list.length)
console.log(Object.prototype.hasOwnProperty.call(groups, 'open'), Object.assign({}, groups))`,
  `import crypto, { randomUUID } from 'node:crypto'
console.log(randomUUID(), crypto.createHash('sha256').update('x').digest('hex'), Buffer.from('x').toString('base64'), atob('eA=='))`,
  `const base = process.env.CALENDAR_URL || 'http://calendar.example.com'
const { TZ = 'UTC' } = process.env
console.log(base, TZ, process.version, process.cwd())`,
  `process.on('unhandledRejection', (error) => {
  console.error(error)
  process.exit(1)
})
const controller = new AbortController()
const timer = setTimeout(() => controller.abort(), 5000)
await fetch('http://a.example.com', { signal: controller.signal }).finally(() => clearTimeout(timer))`,
  `const url = new URL('/events', 'http://calendar.example.com')
url.searchParams.set('from', new Date().toISOString())
const response = await fetch(url, { headers: { 'If-Match': '"3"', Authorization: 'Bearer x' } })
const etag = response.headers.get('etag')
console.log(etag, await response.text())`,
  `function* pages() {
  let page = 1
  while (true) {
    yield page++
    if (page > 3) return
  }
}
for (const page of pages()) console.log(page)
outer: for (let i = 0; i < 3; i++) { for (let j = 3; j-->0;) if (i === j) continue outer }`,
  `import { promisify } from 'node:util'
import { EventEmitter, once } from 'node:events'
const emitter = new EventEmitter()
queueMicrotask(() => emitter.emit('x', 1))
console.log(await once(emitter, 'x'), promisify(setImmediate))`,
  `import recourse from 'recourse'
const orders = await (await fetch('http://orders.example.com/orders')).json()
recourse.result({ count: orders.length })`,
  `const shift = (iso, hours) => new Date(Date.parse(iso) + hours * 3_600_000).toISOString()
const format = new Intl.DateTimeFormat('en-GB', { dateStyle: 'short', timeZone: 'UTC' })
console.log(shift('2026-01-01T10:00:00Z', 1), format.format(new Date()))`,
  `const client = (base) => ({
  async call(method, path, body) {
    const response = await fetch(base + path, { method, body: body && JSON.stringify(body) })
    return { status: response.status, body: await response.json() }
  },
})
const api = client('http://api.example.com')
for (const path of ['/run/1', '/home/2', '/dev/stage', '/etc', '/../x']) await api.call('GET', path)`,
  `const schema = { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] }
const copy = structuredClone(schema)
const { properties: { id: idSchema }, ...rest } = copy
console.log(idSchema?.type, rest['required'], typeof globalThis.fetch, typeof window === 'undefined', typeof process)`,
  `const text = "don't eval() this, nor require('child_process')"
// eval('x') in a comment, and <!-- one in HTML -->
const html = '<!-- a comment --><p>x</p>'
console.log(text.length, html, \`--> \${text}\`)`,
  `import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import readline from 'node:readline'
const lines = readline.createInterface({ input: createReadStream('data.txt') })
for await (const line of lines) assert.ok(line.length >= 0)`,
  `const cache = new Map()
async function cached(key, load) {
  if (!cache.has(key)) cache.set(key, await load(key))
  return cache.get(key)
}
const pick = (object, ...keys) => Object.fromEntries(keys.map((key) => [key, object[key]]))
console.log(await cached('a', async (k) => k), pick({ a: 1 }, 'a'))`,
  `async function main() {
  const process = async (order) => ({ ...order, done: true })
  console.log(await process({ id: 1 }))
}
const handlers = { eval: 1 }
await main()`,
  `const form = new FormData()
form.set('file', new Blob(['a,b']), 'x.csv')
await fetch('http://files.example.com/upload', { method: 'PUT', body: form })
const typed = new Uint8Array([1, 2, 3])
console.log(typed.map((x) => x << 1 | x >> 1), [...typed].join(','), 5n ** 3n)`,
]

import type { FastifyInstance } from 'fastify'
import type { DatabaseSync } from 'node:sqlite'
import { runAsProgram, serve, type RunningServices, type ServiceOptions } from '../service.ts'
import { seedOrders, seedReturns } from './seed.ts'

/** Orders and returns of a shop. `node services.ts --db FILE [--port N]` */

export async function startServices(options: ServiceOptions): Promise<RunningServices> {
  return await serve({ orders, returns }, seed, options)
}

function orders(app: FastifyInstance, db: DatabaseSync): void {
  addTable(app, db, 'orders', 'order', '^[0-9]{1,12}$')
}

function returns(app: FastifyInstance, db: DatabaseSync): void {
  addTable(app, db, 'returns', 'return', '^rtn[0-9]{1,9}$')
}

/** Routes to list a table and to read one row of it. */
function addTable(app: FastifyInstance, db: DatabaseSync, table: 'orders' | 'returns', what: string, id: string): void {
  const params = { type: 'object', properties: { id: { type: 'string', pattern: id } } }
  app.get(`/${table}`, () => db.prepare(`SELECT * FROM ${table} ORDER BY id`).all())
  app.get<{ Params: { id: string } }>(`/${table}/:id`, { schema: { params } }, (request, reply) => {
    const row = db.prepare(`SELECT * FROM ${table} WHERE id = ?`).get(request.params.id)
    return row ?? reply.code(404).send({ error: `there is no ${what} ${request.params.id}` })
  })
}

function seed(db: DatabaseSync): void {
  db.exec(`
    CREATE TABLE IF NOT EXISTS orders (
      id TEXT PRIMARY KEY, item TEXT NOT NULL, quantity INTEGER NOT NULL, customer TEXT NOT NULL, status TEXT NOT NULL,
      orderedOn TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS returns (
      id TEXT PRIMARY KEY, orderId TEXT NOT NULL, reason TEXT NOT NULL, status TEXT NOT NULL, receivedOn TEXT, processedOn TEXT
    ) STRICT;`)
  if (db.prepare('SELECT 1 FROM orders').get()) return
  const order = db.prepare('INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)')
  for (const each of seedOrders()) {
    order.run(each.id, each.item, each.quantity, each.customer, each.status, each.orderedOn)
  }
  const back = db.prepare('INSERT INTO returns VALUES (?, ?, ?, ?, ?, ?)')
  for (const each of seedReturns()) {
    back.run(each.id, each.orderId, each.reason, each.status, each.receivedOn, each.processedOn)
  }
}

await runAsProgram(import.meta.url, ['orders', 'returns'], startServices)

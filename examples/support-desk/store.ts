import { readRequests, readStore, type LoggedRequest } from '../service.ts'
import type { Order, Return } from './seed.ts'

/** What is true, read from the services' own file and through nothing else. */

export interface Store {
  readonly orders: readonly Order[]
  readonly returns: readonly Return[]
  /** Every request that arrived, in order. */
  readonly requests: readonly LoggedRequest[]
}

/** @param file The services' SQLite file. */
export function readSupportDesk(file: string): Store {
  return readStore(file, (db) => ({
    orders: db.prepare('SELECT * FROM orders ORDER BY id').all() as unknown as Order[],
    returns: db.prepare('SELECT * FROM returns ORDER BY id').all() as unknown as Return[],
    requests: readRequests(db),
  }))
}

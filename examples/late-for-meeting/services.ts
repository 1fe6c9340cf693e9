import type { DatabaseSync } from 'node:sqlite'
import { runAsProgram, serve, type RunningServices, type ServiceOptions } from '../service.ts'
import { calendar } from './calendar.ts'
import { mail } from './mail.ts'

/** Mail and calendar. `node services.ts --db FILE [--port N]` */

const TABLES = `
  CREATE TABLE IF NOT EXISTS messages (
    number INTEGER PRIMARY KEY, recipients TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL, sentAt TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS events (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, start TEXT NOT NULL, "end" TEXT NOT NULL, attendees TEXT NOT NULL,
    notes TEXT NOT NULL, updatedAt TEXT NOT NULL, version INTEGER NOT NULL
  ) STRICT;`

export async function startServices(options: ServiceOptions): Promise<RunningServices> {
  return await serve({ mail, calendar }, seed, options)
}

function seed(db: DatabaseSync): void {
  db.exec(TABLES)
  if (db.prepare('SELECT 1 FROM events').get()) return
  const day = new Date().toISOString().slice(0, 10)
  const insert = db.prepare('INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, 1)')
  const add = (id: string, title: string, from: string, to: string, attendees: string[], notes: string) =>
    insert.run(
      id,
      title,
      `${day}T${from}:00Z`,
      `${day}T${to}:00Z`,
      JSON.stringify(attendees),
      notes,
      `${day}T00:00:00Z`,
    )
  const team = ['ada', 'bela', 'chidi', 'dana'].map((name) => `${name}@example.com`)
  add('1', 'Team meeting', '10:00', '11:00', team, 'Room 4. Agenda: release, holidays.')
  add('2', 'Lunch with Eve', '12:00', '13:00', ['eve@example.com'], '')
  add('3', 'Dentist', '16:30', '17:15', [], 'Bring the insurance card.')
}

await runAsProgram(import.meta.url, ['mail', 'calendar'], startServices)

import { readRequests, readStore, type LoggedRequest } from '../service.ts'
import { readEvents, type CalendarEvent } from './calendar.ts'
import { readMessages, type Message } from './mail.ts'

/** What is true, read from the services' own file and through nothing else. */

export interface Store {
  readonly messages: readonly Message[]
  readonly events: readonly CalendarEvent[]
  /** Every request that arrived, in order. */
  readonly requests: readonly LoggedRequest[]
}

/** @param file The services' SQLite file. */
export function readLateForMeeting(file: string): Store {
  return readStore(file, (db) => ({ messages: readMessages(db), events: readEvents(db), requests: readRequests(db) }))
}

/** Events without what the service sets at every write: equal before and after a change that was undone. */
export function toComparable(events: readonly CalendarEvent[]): Omit<CalendarEvent, 'updatedAt'>[] {
  return events.map(({ updatedAt: _, ...event }) => event)
}

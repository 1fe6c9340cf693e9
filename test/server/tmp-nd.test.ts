import { test } from 'vitest'
import { setTimeout as delay } from 'node:timers/promises'
import { installCalendar, WAIT_MS } from '../support/calendar-installation.ts'
import { changePlan, move } from '../support/tools.ts'
test.concurrent.each([1,2,3,4,5,6,7,8,9,10])('nd %i', async () => {
      await using place = await installCalendar({ separate: true })
      const { calendar, start, addEvent, kill, respawn } = place
      const event = addEvent()
      const reached = Promise.withResolvers<void>()
      let held = true
      calendar.before = async (method) => { if (method !== 'GET' || !held) return undefined; reached.resolve(); await new Promise(() => {}); return undefined }
      const run = await start({ request: 'x', plan: changePlan(move(event)) })
      process.stderr.write(run.id + '\n')
      await reached.promise
      await kill()
      held = false
      await delay(Number(process.env['ND_DELAY']))
      const w = run.wait({ timeoutMs: WAIT_MS })
      w.catch(() => {})
      await respawn()
      process.stderr.write(JSON.stringify((await w).notices) + '\n')
      await place.installation.stopWorker()
      await kill()
      await respawn()
      await run.state()
})

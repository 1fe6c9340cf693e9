import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { renderCoverage } from '../../../../src/cli/render/coverage.ts'
import { unstyled } from '../../../../src/cli/render/style.ts'
import { toCoverage } from '../../../../src/config/openapi/coverage.ts'
import { toRoutes } from '../../../../src/config/openapi/derive.ts'
import { readOpenApi } from '../../../../src/config/openapi/document.ts'
import { answers, documentOf, fixed, media, object, parameter, takes, text } from './documents.ts'

const TICKETS = fileURLToPath(new URL('../../../support/tickets.openapi.yaml', import.meta.url))
const render = (paths: Parameters<typeof documentOf>[0]) =>
  renderCoverage(toCoverage(toRoutes(documentOf(paths))), unstyled)

describe('coverage', () => {
  it('says for each route what a run would do, and why', () => {
    const event = object({ id: fixed, title: text, updatedAt: fixed })
    const shown = render({
      '/events': { get: answers(200, { type: 'array' }), post: { ...takes(event), ...answers(201, event) } },
      '/events/{id}': {
        get: answers(200, event),
        put: takes(object({ title: text })),
        patch: takes(object({ title: text, room: text })),
        delete: answers(204, null),
      },
      '/events/{id}/cancel': { post: answers(200, event) },
      '/mails': { post: takes(object({ to: text }), 202) },
    })
    expect(shown).toBe(
      [
        'GET /events               read       the document describes it as GET',
        'POST /events              inverse    DELETE /events/{response.id} takes it back where the answer is 201',
        'GET /events/{id}          read       the document describes it as GET',
        'PUT /events/{id}          exact      PATCH /events/{id} writes changed fields back; updatedAt aside',
        'PATCH /events/{id}        exact      PATCH /events/{id} writes changed fields back; not where it sends room, which can not be read beforehand; updatedAt aside',
        'DELETE /events/{id}       generated  /events/{id} would be gone, and PUT /events/{id} replaces what is there: the document declares no 201 for it; code could use PUT /events/{id}, PATCH /events/{id}, POST /events and 1 more',
        'POST /events/{id}/cancel  generated  the document does not show what POST /events/{id}/cancel changes, or what takes it back; declare "undo" for it, or "read" where it changes nothing; code could use PUT /events/{id}, PATCH /events/{id}, DELETE /events/{id}',
        'POST /mails               none       the document does not show what POST /mails changes, or what takes it back; declare "undo" for it, or "read" where it changes nothing',
        '',
        '2 reads, 6 routes that change something: exact 2 (33 %), inverse 1 (17 %), generated 2 (33 %), none 1 (17 %)',
        'generated: code that a model writes could undo it; until there is that, such an effect is asked about first',
      ].join('\n'),
    )
  })

  it('counts a PUT that creates only where what it creates can be removed', () => {
    const note = object({ text })
    const put = { get: answers(200, note), put: takes(note, 201) }
    expect(render({ '/n/{id}': put })).toContain(
      'PUT /n/{id}  generated  /n/{id} did not exist, and no DELETE is declared that could remove it again; code could use PUT /n/{id}',
    )
    const needs = answers(204, null, { parameters: [parameter('by', 'query')] })
    expect(render({ '/n/{id}': { ...put, delete: needs } })).toContain(
      'PUT /n/{id}     generated  /n/{id} did not exist, and no DELETE is declared that could remove it again: DELETE: it needs the query parameter "by"; code could use',
    )
    const whole = { ...put, delete: answers(204, null) }
    expect(render({ '/n/{id}': whole, '/n/{id}/parts': { post: {} } })).toContain(
      [
        'PUT /n/{id}         exact      PUT /n/{id} writes it back; DELETE /n/{id} removes what it created',
        'DELETE /n/{id}      exact      PUT /n/{id} creates it again; what was below it is not brought back',
      ].join('\n'),
    )
  })

  it('restores by a PUT what a PATCH can not reach, and bytes and lists as wholes', () => {
    const note = object({ text, colour: text })
    const both = { get: answers(200, note), put: takes(note), patch: takes(object({ colour: text })) }
    expect(render({ '/n/{id}': both })).toContain('PUT /n/{id}    exact  PUT /n/{id} writes it back')
    const bytes = { get: { responses: { 200: media({}, 'image/png') } }, put: takes({}, 200, 'image/png') }
    expect(render({ '/i': bytes })).toContain('PUT /i  exact  PUT /i writes it back')
    const list = { get: answers(200, { type: 'array', items: text }), put: takes({ type: 'array', items: text }) }
    expect(render({ '/l': list })).toContain('PUT /l  exact  PUT /l writes it back')
  })

  it('says where an inverse can not be read back, and lists what can not be a route', () => {
    const paths = {
      '/t': { post: answers(201, object({ id: text })) },
      '/t/{id}': { delete: answers(204, null) },
      '/{a}{b}': { post: {} },
    }
    expect(render(paths)).toBe(
      [
        'POST /t         inverse    DELETE /t/{response.id} takes it back where the answer is 201; it can not be read back',
        'DELETE /t/{id}  generated  the document has no GET /t/{id} that could read it beforehand; code could use POST /t',
        'POST /{a}{b}    none       it can not be a route, so requests on it are undeclared: the segment "{a}{b}" is not plain text with at most one {name} in it; a route has neither query nor escapes',
        '',
        '0 reads, 3 routes that change something: exact 0 (0 %), inverse 1 (33 %), generated 1 (33 %), none 1 (33 %)',
        'generated: code that a model writes could undo it; until there is that, such an effect is asked about first',
      ].join('\n'),
    )
  })

  it('has nothing to say about an empty document, or about one that only reads', () => {
    expect(render({})).toBe('the document describes no routes')
    expect(render({ '/a': { get: {} } })).toBe(
      'GET /a  read  the document describes it as GET\n\n1 read, 0 routes that change something',
    )
  })

  it('of a whole API', async () => {
    const coverage = toCoverage(toRoutes(readOpenApi(TICKETS)))
    await expect(`${renderCoverage(coverage, unstyled)}\n`).toMatchFileSnapshot('./tickets.coverage.txt')
    expect(coverage).toMatchObject({ reads: 11, writes: 29, counts: { exact: 7, inverse: 3, generated: 17, none: 2 } })
  })
})

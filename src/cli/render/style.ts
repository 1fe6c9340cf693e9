import { styleText } from 'node:util'

type Format = Parameters<typeof styleText>[0]

/** Colours, or nothing. */
export type Style = (format: Format, text: string) => string

export function createStyle(colour: boolean): Style {
  return colour ? (format, text) => styleText(format, text, { validateStream: false }) : (_format, text) => text
}

export const unstyled: Style = createStyle(false)

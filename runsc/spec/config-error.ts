// What is wrong with a config.json: the field, and one sentence.

/** Thrown by everything in this folder; the message is `config.json: FIELD: SENTENCE`, on one line. */
export class ConfigError extends Error {
  /** Path of the field, such as `process.args[0]`; empty when the file as a whole is meant. */
  readonly field: string;
  readonly sentence: string;

  constructor(field: string, sentence: string, options?: ErrorOptions) {
    super(field === '' ? `config.json: ${sentence}` : `config.json: ${field}: ${sentence}`, options);
    this.name = 'ConfigError';
    this.field = field;
    this.sentence = sentence;
  }
}

/** Takes one sentence about something that is ignored or suspicious, and does not stop the container. */
export type Warn = (message: string) => void;

/** A value of the file in a message: quoted, on one line, cut at 100 characters. */
export function quote(value: string): string {
  return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}...` : value);
}

/**
 * Who comes first on a bus that cannot do all that is due: start-time fair queueing (Goyal, Vin, Cheng 1996) over four
 * priorities. Each has a share of the time for certain, in the ratio of the weights; what one does not use the others
 * have; and one that was idle comes at once, without having saved anything up.
 */
export type Priority = keyof typeof weights;

/**
 * command: a person waits · alarm: points that rules judge · normal: all others · diagnostics: whether a silent device is
 * back, and who a device is. In order: of two that are equally entitled the first one goes.
 */
export const weights = { command: 8, alarm: 4, normal: 2, diagnostics: 1 } as const;
export const priorities = Object.keys(weights) as Priority[];

export interface Lanes {
  /** Where the time of the bus stands, in ms a unit of weight. */
  readonly at: number;
  /** Where the last exchange of each priority ended, likewise. */
  readonly ends: Readonly<Record<Priority, number>>;
}

export const lanes: Lanes = { at: 0, ends: { command: 0, alarm: 0, normal: 0, diagnostics: 0 } };

/** The smallest goes next. Among equals, the priority itself decides: too little to matter otherwise. */
export const startTag = ({ at, ends }: Lanes, lane: Priority): number =>
  Math.max(at, ends[lane]) + priorities.indexOf(lane) * 1e-6;

export const started = ({ at, ends }: Lanes, lane: Priority): Lanes => ({ at: Math.max(at, ends[lane]), ends });

export const charged = ({ at, ends }: Lanes, lane: Priority, ms: number): Lanes => ({
  at,
  ends: { ...ends, [lane]: Math.max(at, ends[lane]) + ms / weights[lane] },
});

/** BACnetEventState: the first ones, which every device has. */
export const eventState = { normal: 0, fault: 1, offnormal: 2, highLimit: 3, lowLimit: 4 } as const;

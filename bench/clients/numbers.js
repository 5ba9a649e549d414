// What is made of many measurements.

export const sorted = (numbers) => [...numbers].sort((a, b) => a - b)
/** `q` of the sorted numbers. */
export const quantile = (numbers, q) => numbers[Math.min(numbers.length - 1, Math.floor(numbers.length * q))]

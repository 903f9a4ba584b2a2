//go:build race

package desk

// raceDetector slows everything down by a factor that no promise allows for.
const raceDetector = true

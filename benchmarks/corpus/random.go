package corpus

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// dice makes everything that is made up. The same seed and number give the same values, whatever else was made before.
type dice struct{ *rand.Rand }

func newDice(seed, stream uint64) dice {
	return dice{rand.New(rand.NewPCG(mixed(seed), mixed(stream)))}
}

// mixed spreads neighbouring numbers over all bits (SplitMix64), so that neighbours have nothing in common.
func mixed(number uint64) uint64 {
	number += 0x9e3779b97f4a7c15
	number = (number ^ number>>30) * 0xbf58476d1ce4e5b9
	number = (number ^ number>>27) * 0x94d049bb133111eb
	return number ^ number>>31
}

func (d dice) of(words []string) string { return words[d.IntN(len(words))] }

func (d dice) between(low, high int) int { return low + d.IntN(high-low+1) }

func (d dice) text(alphabet string, length int) string {
	made := make([]byte, length)
	for i := range made {
		made[i] = alphabet[d.IntN(len(alphabet))]
	}
	return string(made)
}

func (d dice) hex(length int) string { return d.text("0123456789abcdef", length) }

// suffix is what generateName appends: the alphabet of k8s.io/apimachinery/pkg/util/rand.
func (d dice) suffix(length int) string { return d.text("bcdfghjklmnpqrstvwxz2456789", length) }

// unique is a suffix that no other number has.
func unique(number int) string {
	const alphabet, length = "bcdfghjklmnpqrstvwxz2456789", 5
	made := make([]byte, length)
	left := uint64(number) * 9_876_547 % 14_348_907 // coprime to 27⁵, so that no two numbers meet
	for i := range made {
		made[i], left = alphabet[left%27], left/27
	}
	return string(made)
}

func (d dice) uid() string {
	return fmt.Sprintf("%s-%s-4%s-%c%s-%s", d.hex(8), d.hex(4), d.hex(3), "89ab"[d.IntN(4)], d.hex(3), d.hex(12))
}

// some are so many different ones of the words, in the order in which they were drawn.
func (d dice) some(words []string, count int) []string {
	drawn := make([]string, 0, count)
	for _, at := range d.Perm(len(words))[:min(count, len(words))] {
		drawn = append(drawn, words[at])
	}
	return drawn
}

// epoch is "now" in the corpus: fixed, so that the bytes are the same on every day.
var epoch = time.Date(2026, time.November, 2, 8, 15, 0, 0, time.UTC)

func (d dice) ago(most time.Duration) time.Time {
	return epoch.Add(-time.Duration(d.Int64N(int64(most)))).Truncate(time.Second)
}

// value is what an environment variable or a flag may be set to.
func (d dice) value(service string) string {
	switch d.IntN(8) {
	case 0:
		return fmt.Sprint(d.between(1, 65535))
	case 1:
		return fmt.Sprintf("%ds", d.between(1, 600))
	case 2:
		return fmt.Sprintf("https://%s-%s.%s.svc.cluster.local:%d/v%d", d.of(services), d.of(roles), d.of(teams), d.between(1024, 9999), d.between(1, 4))
	case 3:
		return fmt.Sprintf("%s-%s-%s", service, d.of(teams), d.hex(6))
	case 4:
		return d.of([]string{"true", "false", "info", "debug", "warn", "json", "eu-central-1", "us-east-2"})
	case 5:
		return fmt.Sprintf("kafka-%d.%s.example.com:9093,kafka-%d.%s.example.com:9093", d.IntN(9), d.of(teams), d.IntN(9), d.of(teams))
	case 6:
		return d.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", d.between(16, 44))
	default:
		return fmt.Sprintf("%s.%s", d.of(services), d.of(roles))
	}
}

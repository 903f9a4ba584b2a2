package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Bounds of the engine's memory when nobody says otherwise: a small machine keeps room for the rest of the tree.
const (
	leastMemory = 1 << 30
	mostMemory  = 8 << 30
)

// leftFree is how many bytes of the disk inserts leave to others.
const leftFree = 256 << 20

// configText bounds what the engine takes. Its own defaults are for a machine that does nothing else: nine tenths of
// the memory, 5 GiB of caches. Parts are synced to disk before an insert is answered, since the log may be trimmed
// below what history holds; what was merged away goes after a minute, since inserts of a few rows come every other second.
// The last of the disk is not for it: the log may need that, and an insert that runs into the end of the disk has
// left a part behind whose marks were empty, which no repeat mends.
const configText = `<clickhouse>
    <max_server_memory_usage>%d</max_server_memory_usage>
    <mark_cache_size>%d</mark_cache_size>
    <primary_index_cache_size>%d</primary_index_cache_size>
    <background_pool_size>4</background_pool_size>
    <background_schedule_pool_size>8</background_schedule_pool_size>
    <background_common_pool_size>4</background_common_pool_size>
    <merge_tree>
        <fsync_after_insert>1</fsync_after_insert>
        <fsync_part_directory>1</fsync_part_directory>
        <old_parts_lifetime>60</old_parts_lifetime>
        <min_free_disk_bytes_to_perform_insert>%d</min_free_disk_bytes_to_perform_insert>
    </merge_tree>
</clickhouse>
`

func configFile(path string) string { return filepath.Join(path, "tocsin-engine.xml") }

func writeConfig(path string, memory int64) error {
	text := fmt.Sprintf(configText, memory, memory/8, memory/16, leftFree)
	if err := writeWhole(configFile(path), []byte(text)); err != nil {
		return fmt.Errorf("write the engine's configuration: %w", err)
	}
	return nil
}

// arguments are the engine's, alike for each session.
func arguments(path string) []string {
	return []string{"clickhouse", "--path=" + path, "--config-file=" + configFile(path)}
}

// defaultMemory is a third of the machine's, in bytes, within the bounds.
func defaultMemory() int64 {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return leastMemory // another system than Linux: be modest
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "MemTotal:" {
			continue
		}
		if kib, err := strconv.ParseInt(f[1], 10, 64); err == nil {
			return min(max(kib<<10/3, leastMemory), mostMemory)
		}
	}
	return leastMemory
}

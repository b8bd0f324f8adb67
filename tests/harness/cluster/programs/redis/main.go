// Command redis serves Redis's protocol from memory at the address that it is given: Argo CD's cache.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/alicebob/miniredis/v2"
)

func main() {
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "redis:", err)
		os.Exit(1)
	}
	for range time.Tick(time.Second) { // it has no clock of its own, and keys expire
		server.FastForward(time.Second)
	}
}

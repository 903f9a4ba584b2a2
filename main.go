// Command tocsin watches patients at home and warns the right people at a hospital before it is too late.
package main

import (
	"os"

	"tocsin/deploy"
)

func main() { os.Exit(deploy.Main(os.Args[1:], os.Stdout, os.Stderr)) }

package deploy

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"tocsin/rules/pack"
	"tocsin/streams/event"
)

func packCommand() *cobra.Command {
	var r reach
	c := &cobra.Command{Use: "pack", Short: "Rule packs: check, publish"}
	check := &cobra.Command{
		Use: "check FILE.yaml…", Short: "Compile packs and tell every fault with line and column", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			for _, file := range args {
				text, err := readFile(file, c.InOrStdin())
				if err != nil {
					return err
				}
				p, err := pack.CompileFile(file, string(text))
				if err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "%s: pack %s version %d is in order\n", file, p.ID, p.Version)
			}
			return nil
		},
	}
	publish := &cobra.Command{
		Use: "publish FILE.yaml", Short: "Put a version of a pack into effect for every group that uses it", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			text, err := readFile(args[0], c.InOrStdin())
			if err != nil {
				return err
			}
			p, err := pack.CompileFile(args[0], string(text))
			if err != nil {
				return err
			}
			return withConnection(c, &r, func(ctx context.Context, conn *connection) error {
				err := conn.ask(ctx, &event.PackRequested{Pack: p.ID, Version: p.Version, Text: string(text), By: by})
				if err == nil {
					fmt.Fprintf(c.OutOrStdout(), "pack %s version %d is in effect\n", p.ID, p.Version)
				}
				return err
			})
		},
	}
	r.add(publish)
	c.AddCommand(check, publish)
	return c
}

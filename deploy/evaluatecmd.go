package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	studies "tocsin/deploy/study"
	"tocsin/rules/pack"
	"tocsin/rules/study"
)

func evaluateCommand() *cobra.Command {
	var data, out, half string
	var packs []string
	c := &cobra.Command{
		Use: "evaluate --data FORMAT:PATH --pack PACK --out DIR", Short: "Say how well packs find what recorded patients had", Args: cobra.NoArgs,
		Long: "Play recorded patients through the same rules and warnings as live, on this machine and without a log, and write report.md, metrics.json and\n" +
			"plots to DIR. PACK is the id of a pack of the library, a file, or study:ID for one made for studies, in which a threshold takes several values\n" +
			"(" + joined(studyPacks()) + ").\n" +
			"Several packs are compared with the first. A relative PATH that is not there is looked for in the folder TOCSIN_DATA.",
		RunE: func(c *cobra.Command, _ []string) error {
			format, path, ok := strings.Cut(data, ":")
			switch {
			case !ok || !slices.Contains(studies.Formats, format):
				return usage("--data %q: want FORMAT:PATH; the formats are %s", data, joined(studies.Formats))
			case len(packs) == 0:
				return usage("evaluate needs --pack: the id of a library pack, a file, or study: and one of %s", joined(studyPacks()))
			case out == "":
				return usage("evaluate needs --out, a folder for the report")
			case half != "all" && half != "a" && half != "b":
				return usage("--half %q: want a, b or all", half)
			}
			families, err := familiesOf(packs, c.InOrStdin())
			if err != nil {
				return err
			}
			cohort, err := studies.Read(format, findRecorded(path))
			if errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("read the recorded patients: %w; put them where TOCSIN_DATA says, which is %s", err, recordedData())
			}
			if err != nil {
				return fmt.Errorf("read the recorded patients: %w", err)
			}
			command := fmt.Sprintf("tocsin evaluate --data %s:%s --pack %s --half %s", format, filepath.Base(path), strings.Join(packs, ","), half)
			return evaluateTo(studies.Plan{Cohort: cohort, Families: families, Half: half, Command: command}, out, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	c.Flags().StringVar(&data, "data", "", "`FORMAT:PATH` of the recorded patients; the formats are "+joined(studies.Formats))
	c.Flags().StringSliceVar(&packs, "pack", nil, "`PACK` to judge by; several are compared with the first")
	c.Flags().StringVar(&out, "out", "", "`DIR` for report.md, metrics.json and plots")
	c.Flags().StringVar(&half, "half", "all", "a, b or all of the patients: choices are made on a and measured on b")
	return c
}

func studyPacks() (ids []string) {
	for id := range study.Families() {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// familiesOf finds the packs by name.
func familiesOf(names []string, stdin io.Reader) (all []study.Family, err error) {
	made, library := study.Families(), pack.Library()
	for _, name := range names {
		if id, ok := strings.CutPrefix(name, "study:"); ok {
			f, known := made[id]
			if !known {
				return nil, usage("--pack %s: the packs made for studies are %s", name, joined(studyPacks()))
			}
			all = append(all, f)
			continue
		}
		text, known := library[name]
		if !known {
			b, err := readFile(name, stdin)
			if errors.Is(err, os.ErrNotExist) {
				return nil, usage("--pack %s: there is no such file, and the library has no pack of that name", name)
			}
			if err != nil {
				return nil, err
			}
			text = string(b)
		}
		f, err := studies.FamilyOf(name, text)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

func evaluateTo(p studies.Plan, out string, w, terminal io.Writer) error {
	var bar *progressbar.ProgressBar
	p.Began = func(total int) { bar = progress(terminal, total, "evaluate") }
	p.Done = func() { _ = bar.Add(1) }
	r, err := studies.Evaluate(p)
	if bar != nil {
		_ = bar.Finish()
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	metrics, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write metrics.json: %w", err)
	}
	files := r.Plots()
	files["report.md"], files["metrics.json"] = r.Markdown(), string(metrics)+"\n"
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(out, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "%d patients under %d packs: see %s\n", r.Patients, len(r.Packs), filepath.Join(out, "report.md"))
	return nil
}

# Managed by copier-mlops: an update merges with your edits.
# What is required of a model, its approval and its data. A requirement holds only if a rule here proves it from the evidence:
# what is missing, empty or misspelt proves nothing. Tests set `input`; regopy ends the process at `with input as`.
package compliance

import rego.v1

proven contains "model-card" if {
	input.card.sha256 != null
	count(input.card.gaps) == 0
}

problem contains {"requirement": "model-card", "subject": gap, "line": "the section is empty"} if some gap in input.card.gaps

proven contains "approval" if {
	count(input.audit.problems) == 0
	identified
	some approver in input.approval.approvers
	lower(approver) != lower(input.author)
}

identified if input.rules.approval == "claimed"

identified if input.approval.identity == "GitHub"

problem contains {"requirement": "approval", "subject": "", "line": line} if {
	input.approval == null
	line := "the audit log has no approval of it"
}

problem contains {"requirement": "approval", "subject": "", "line": line} if {
	every approver in input.approval.approvers { lower(approver) == lower(input.author) }
	line := sprintf("%s made it and approved it", [input.author])
}

problem contains {"requirement": "approval", "subject": "audit log", "line": line} if some line in input.audit.problems

proven contains "lineage" if {
	every name in ["run_id", "data_md5", "model_md5", "git_commit", "code_sha256", "uv_lock_sha256"] {
		input.lineage[name] != null
		input.lineage[name] != ""
	}
	input.lineage.restored == true
}

problem contains {"requirement": "lineage", "subject": "", "line": line} if {
	input.lineage.restored == false
	line := "no commit of this clone contains its code, data and model"
}

proven contains "model-signature" if input.signature.by != ""

problem contains {"requirement": "model-signature", "subject": "", "line": input.signature.problem} if {
	input.signature.problem != ""
}

proven contains "data-columns" if count(input.columns) > 0

problem contains {"requirement": "data-columns", "subject": name, "line": line} if {
	some name, column in input.columns
	not is_described(column)
	line := "its purpose, and whether it is personal, are not described"
}

is_described(column) if {
	column.purpose != ""
	column.personal != null
}

proven contains "fairness" if count(input.fairness) > 0

problem contains {"requirement": "fairness", "subject": column, "line": line} if {
	some column in input.rules.fairness_columns
	not input.fairness[column]
	line := sprintf("no group of it has the metric %s and %d rows: is it in SLICES of data.py?", [input.rules.fairness_metric, input.rules.fairness_min_rows])
}

problem contains {"requirement": "fairness", "subject": column, "line": line} if {
	some column, groups in input.fairness
	values := [value | some value in groups]
	min(values) < input.rules.fairness_min_ratio * max(values)
	line := sprintf(
		"%s of its groups is from %.3g to %.3g, a ratio below %.3g",
		[input.rules.fairness_metric, min(values), max(values), input.rules.fairness_min_ratio],
	)
}

proven contains "explanations" if count(input.explanations) > 0

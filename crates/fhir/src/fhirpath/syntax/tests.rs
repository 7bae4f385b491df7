use super::*;

fn problem(text: &str) -> SyntaxError {
    parse(text).unwrap_err()
}

#[test]
fn operators_bind_as_the_specification_says() {
    let ExprKind::Operation { operator, operands } = parse("1+2*3+4 = 11").unwrap().kind else { panic!() };
    assert_eq!((operator, operands.len()), (Operator::Equal, 2));
    let ExprKind::Operation { operator, .. } = parse("a and b or c implies d xor e").unwrap().kind else { panic!() };
    assert_eq!(operator, Operator::Implies);
    assert!(matches!(parse("-1.a()").unwrap().kind, ExprKind::Sign { negative: true, .. }));
    let ExprKind::Operation { operands, .. } = parse("1 > 2 is Boolean").unwrap().kind else { panic!() };
    assert!(matches!(operands.last().unwrap().kind, ExprKind::Type { cast: false, .. }));
}

#[test]
fn long_chains_of_one_operator_stay_flat() {
    let text = vec!["a"; 1000].join(" | ");
    let tree = parse(&text).unwrap();
    assert_eq!(tree.height, 2);
    assert!(matches!(tree.kind, ExprKind::Operation { operands, .. } if operands.len() == 1000));
    let grouped = parse("(a | b) | c").unwrap();
    assert!(matches!(grouped.kind, ExprKind::Operation { operands, .. } if operands.len() == 2));
}

#[test]
fn depth_and_length_are_bounded() {
    let deep = format!("{}1{}", "(".repeat(5000), ")".repeat(5000));
    assert_eq!(problem(&deep).problem, "the expression is too deep");
    assert_eq!(problem(&"-".repeat(5000)).problem, "the expression is too deep");
    assert_eq!(problem(&vec!["a"; 5000].join(".")).problem, "the expression is too deep");
    assert_eq!(problem(&vec!["a"; 5000].join("+")).problem, "the expression is too deep");
    assert_eq!(problem(&"a".repeat(MAX_TEXT + 1)).problem, "the expression is too long");
}

#[test]
fn an_error_tells_where() {
    for (text, at) in [
        ("", 0),
        ("a.", 2),
        ("a b", 2),
        ("2 + 2 /", 7),
        ("2 /* x", 2),
        ("'x", 0),
        ("a.where(b", 9),
        ("@20", 1),
        ("%", 1),
        ("a.$this", 2),
        ("'a\\q'", 2),
        ("#", 0),
        ("a = = b", 4),
        ("{ a }", 2),
        ("$that", 0),
        ("1.0.", 4),
        ("@T14:34:28Z", 10),
    ] {
        assert_eq!(problem(text).at, at, "{text}");
    }
}

#[test]
fn dates_and_times_end_where_they_cannot_go_on() {
    let of = |text: &str| match parse(text).unwrap().kind {
        ExprKind::Call { of, .. } => of.unwrap().kind,
        other => other,
    };
    assert_eq!(of("@2014-01-01T08.lowBoundary(17)"), ExprKind::DateTime("2014-01-01T08".into()));
    assert_eq!(of("@2014-01-05T10:30:00.000.precision()"), ExprKind::DateTime("2014-01-05T10:30:00.000".into()));
    assert_eq!(of("@2015T"), ExprKind::DateTime("2015T".into()));
    assert_eq!(of("@T10:30.lowBoundary(9)"), ExprKind::Time("10:30".into()));
    assert_eq!(of("@2014"), ExprKind::Date("2014".into()));
    assert!(matches!(parse("@1973-12-25 + 7 days").unwrap().kind, ExprKind::Operation { .. }));
}
